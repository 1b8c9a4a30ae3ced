import * as aws from "../../sdk/aws.ts";
import * as pulumi from "@pulumi/pulumi";
import { PodIdentity } from "../../cluster/pod-identity.ts";
import { LlmopsComponent, type ComponentOptions } from "../../component.ts";
import { AwsKey } from "../../encryption/aws-key.ts";
import { MONITORING_NAMESPACE, PROMETHEUS_ACCOUNT } from "../address.ts";

/** A workspace of Amazon Managed Service for Prometheus. */
export interface AmazonWorkspaceArgs {
  /** Physical prefix of alias, key and role. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly clusterName: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What Prometheus may do: write into this workspace. */
export function workspaceWriterPolicy(workspaceArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["aps:RemoteWrite"], Resource: workspaceArn }],
  });
}

/**
 * A workspace under an own key, and the role by which the Prometheus of the cluster writes into it. Rules and alerts stay
 * in the cluster: they must work while nothing outside of it is reachable.
 */
export class AmazonWorkspace extends LlmopsComponent {
  /** Endpoint of remote write. */
  readonly url: pulumi.Output<string>;
  /** What must exist before Prometheus writes. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: AmazonWorkspaceArgs, opts?: ComponentOptions) {
    super("observability", "AmazonWorkspace", name, opts);
    const { prefix, accountId, region, clusterName, tags } = args;
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${prefix}-prometheus`,
        description: `Metrics of ${prefix}`,
        accountId,
        region,
        logGroupArns: [],
        tags,
      },
      { parent: this },
    );
    const workspace = new aws.amp.Workspace(
      this.childName("workspace"),
      { alias: prefix, kmsKeyArn: encryption.key.arn, tags },
      { parent: this },
    );
    const writer = new PodIdentity(
      this.childName("writer"),
      {
        clusterName,
        namespace: MONITORING_NAMESPACE,
        serviceAccount: PROMETHEUS_ACCOUNT,
        roleName: `${prefix}-prometheus`,
        inlinePolicy: workspace.arn.apply(workspaceWriterPolicy),
        tags,
      },
      { parent: this },
    );
    this.url = pulumi.interpolate`${workspace.prometheusEndpoint}api/v1/remote_write`;
    this.ready = [writer.association];
    this.registerOutputs({ url: this.url });
  }
}
