import type * as k8s from "@pulumi/kubernetes";

/** What everything inside a cluster needs to know about it, on any cloud. */
export interface ClusterHandle {
  /** Known before deployment. */
  readonly clusterName: string;
  /** Provider for Kubernetes objects; it goes away after them and before the nodes. */
  readonly provider: k8s.Provider;
}

/** Who can reach the Kubernetes API besides the cluster's own nodes. */
export interface ClusterEndpoint {
  /** By a private address of the network, or also over the internet. */
  readonly access: "private" | "public";
  /** Networks that may, in CIDR notation: of a private endpoint those whose routes lead to it. */
  readonly allowedCidrs: readonly string[];
}

/** Pool without GPUs for operators, gateway and observability. */
export interface SystemNodes {
  /** Instance or machine type. */
  readonly instanceType: string;
  readonly min: number;
  readonly max: number;
}

/** Node label of the pool that runs everything without a GPU. */
export const SYSTEM_NODE_LABEL = { "llmops.io/node-role": "system" } as const;
