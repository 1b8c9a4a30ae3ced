import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import type { ClusterHandle } from "./handle.ts";

/** A cluster somebody else created. */
export interface ExistingClusterArgs {
  readonly clusterName: string;
  /** Text of a kubeconfig; treated as a secret. */
  readonly kubeconfig: pulumi.Input<string>;
  /** Context in the kubeconfig. @default its current context */
  readonly context?: string;
}

/** Any Kubernetes cluster that exists already: kind, on-premises, another cloud. */
export class ExistingCluster extends LlmopsComponent implements ClusterHandle {
  readonly clusterName: string;
  readonly provider: k8s.Provider;

  constructor(name: string, args: ExistingClusterArgs, opts?: ComponentOptions) {
    super("cluster", "ExistingCluster", name, opts);
    this.clusterName = args.clusterName;
    this.provider = new k8s.Provider(
      this.childName("kubernetes"),
      {
        kubeconfig: pulumi.secret(args.kubeconfig),
        enableServerSideApply: true,
        ...(args.context === undefined ? {} : { context: args.context }),
      },
      { parent: this },
    );
    this.registerOutputs({ clusterName: args.clusterName });
  }
}
