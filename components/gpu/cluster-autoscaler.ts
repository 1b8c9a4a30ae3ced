import { HelmAddon } from "../addon/helm-addon.ts";
import { PodIdentity } from "../cluster/pod-identity.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { nodeGroupName } from "./eks-node-groups.ts";
import { machinesName, type GpuPool } from "./gpu-pool.ts";

/** What scales EKS managed node groups. */
export interface ClusterAutoscalerArgs {
  readonly clusterName: string;
  readonly region: string;
  /** Pools whose ladders decide which group grows first. */
  readonly pools: readonly Pick<GpuPool, "name" | "capacity" | "generation">[];
  readonly tags: Readonly<Record<string, string>>;
}

const NAMESPACE = "kube-system";
const SERVICE_ACCOUNT = "cluster-autoscaler";

/** Priority of the first rung; the expander takes the group with the highest number. */
const FIRST_PRIORITY = 100;

/** Priorities for the autoscaler's `priority` expander: number -> patterns of group names. */
export function ladderPriorities(pools: ClusterAutoscalerArgs["pools"]): Record<string, string[]> {
  const priorities: Record<string, string[]> = { "1": [".*"] };
  for (const pool of pools)
    pool.capacity.forEach((rung, index) => {
      const priority = `${FIRST_PRIORITY - index * 10}`;
      priorities[priority] = [
        ...(priorities[priority] ?? []),
        `^eks-${nodeGroupName(machinesName(pool), rung)}-.*`,
      ];
    });
  return priorities;
}

/**
 * Permissions as JSON: look at every group, change only those of the cluster. `eks:DescribeNodegroup` lets it learn labels
 * and taints of an empty group, so that pools scale from zero.
 */
export function autoscalerPolicy(clusterName: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: [
          "autoscaling:DescribeAutoScalingGroups",
          "autoscaling:DescribeAutoScalingInstances",
          "autoscaling:DescribeLaunchConfigurations",
          "autoscaling:DescribeScalingActivities",
          "autoscaling:DescribeTags",
          "ec2:DescribeImages",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeLaunchTemplateVersions",
          "ec2:GetInstanceTypesFromInstanceRequirements",
          "eks:DescribeNodegroup",
        ],
        Resource: "*",
      },
      {
        Effect: "Allow",
        Action: ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
        Resource: "*",
        Condition: {
          StringEquals: { [`aws:ResourceTag/k8s.io/cluster-autoscaler/${clusterName}`]: "owned" },
        },
      },
    ],
  });
}

/** The cluster autoscaler with pod identity and the pools' ladders as priorities. */
export class ClusterAutoscaler extends LlmopsComponent {
  constructor(name: string, args: ClusterAutoscalerArgs, opts: ComponentOptions) {
    super("gpu", "ClusterAutoscaler", name, opts);
    const identity = new PodIdentity(
      this.childName("identity"),
      {
        clusterName: args.clusterName,
        namespace: NAMESPACE,
        serviceAccount: SERVICE_ACCOUNT,
        roleName: `${args.clusterName}-autoscaler`,
        inlinePolicy: autoscalerPolicy(args.clusterName),
        tags: args.tags,
      },
      { parent: this },
    );
    new HelmAddon(
      this.childName("chart"),
      {
        chart: "cluster-autoscaler",
        namespace: NAMESPACE,
        values: {
          cloudProvider: "aws",
          awsRegion: args.region,
          autoDiscovery: { clusterName: args.clusterName },
          rbac: { serviceAccount: { create: true, name: SERVICE_ACCOUNT } },
          expanderPriorities: ladderPriorities(args.pools),
        },
      },
      { parent: this, dependsOn: identity.association },
    );
    this.registerOutputs({});
  }
}
