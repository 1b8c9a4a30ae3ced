import * as pulumi from "@pulumi/pulumi";
import { HelmAddon } from "../addon/helm-addon.ts";
import { PodIdentity } from "../cluster/pod-identity.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** What puts pods into the target group of a load balancer. */
export interface LoadBalancerControllerArgs {
  readonly clusterName: string;
  readonly region: string;
  readonly vpcId: pulumi.Input<string>;
  /** The only target group it may change. */
  readonly targetGroupArn: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

const NAMESPACE = "kube-system";
const SERVICE_ACCOUNT = "aws-load-balancer-controller";

/**
 * Permissions as JSON: what the controller needs where it only binds pods to target groups and leaves security groups alone; the
 * changes are allowed on one group.
 * @see https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/
 */
export function targetBindingPolicy(targetGroupArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: [
          "ec2:DescribeInstances",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeVpcs",
          "elasticloadbalancing:DescribeTargetGroups",
          "elasticloadbalancing:DescribeTargetHealth",
        ],
        Resource: "*",
      },
      {
        Effect: "Allow",
        Action: [
          "elasticloadbalancing:DeregisterTargets",
          "elasticloadbalancing:ModifyTargetGroup",
          "elasticloadbalancing:ModifyTargetGroupAttributes",
          "elasticloadbalancing:RegisterTargets",
        ],
        Resource: targetGroupArn,
      },
    ],
  });
}

/** The AWS Load Balancer Controller, with the right to fill one target group and nothing else. */
export class LoadBalancerController extends LlmopsComponent {
  /** Bindings depend on it: it brings their definition. */
  readonly chart: HelmAddon;

  constructor(name: string, args: LoadBalancerControllerArgs, opts: ComponentOptions) {
    super("entry", "LoadBalancerController", name, opts);
    const identity = new PodIdentity(
      this.childName("identity"),
      {
        clusterName: args.clusterName,
        namespace: NAMESPACE,
        serviceAccount: SERVICE_ACCOUNT,
        roleName: `${args.clusterName}-entry`,
        inlinePolicy: pulumi.output(args.targetGroupArn).apply(targetBindingPolicy),
        tags: args.tags,
      },
      { parent: this },
    );
    this.chart = new HelmAddon(
      this.childName("chart"),
      {
        chart: "aws-load-balancer-controller",
        namespace: NAMESPACE,
        values: {
          clusterName: args.clusterName,
          // Nodes do not let pods ask the metadata service.
          region: args.region,
          vpcId: args.vpcId,
          serviceAccount: { create: true, name: SERVICE_ACCOUNT },
        },
      },
      { parent: this, dependsOn: identity.association },
    );
    this.registerOutputs({});
  }
}
