import type * as k8s from "@pulumi/kubernetes";

/** What everything inside a cluster needs to know about it, on any cloud. */
export interface ClusterHandle {
  /** Known before deployment. */
  readonly clusterName: string;
  /** Provider for Kubernetes objects; it goes away after them and before the nodes. */
  readonly provider: k8s.Provider;
}

/** Who can reach the Kubernetes API: only the network itself, or also the listed networks. */
export type ClusterEndpoint =
  { readonly access: "private" } | { readonly access: "public"; readonly allowedCidrs: readonly string[] };

/** Pool without GPUs for operators, gateway and observability. */
export interface SystemNodes {
  /** Instance or machine type. */
  readonly instanceType: string;
  readonly min: number;
  readonly max: number;
}

/** Node label of the pool that runs everything without a GPU. */
export const SYSTEM_NODE_LABEL = { "llmops.io/node-role": "system" } as const;
