import * as aws from "../sdk/aws.ts";
import * as pulumi from "@pulumi/pulumi";
import { nodeLaunchTemplate } from "../cluster/eks.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { gpuNodeLabels, gpuTaints, machinesName, validateGpuPool, type GpuPool } from "./gpu-pool.ts";
import { rungMinimum, type CapacityRung } from "./ladder.ts";

/** A GPU pool as EKS managed node groups, one per rung of its ladder. */
export interface EksGpuNodeGroupsArgs {
  readonly clusterName: string;
  readonly pool: GpuPool;
  readonly nodeRoleArn: pulumi.Input<string>;
  /** Private subnets of the pool's zones. */
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly tags: Readonly<Record<string, string>>;
}

const CAPACITY_TYPES: Readonly<Record<Exclude<CapacityRung, "flex-start">, "ON_DEMAND" | "SPOT">> = {
  reserved: "ON_DEMAND",
  "on-demand": "ON_DEMAND",
  spot: "SPOT",
};

/** Physical name of a rung's node group, of the name of its machines; the cluster autoscaler's priorities match on it. */
export function nodeGroupName(pool: string, rung: CapacityRung): string {
  return `gpu-${pool}-${rung}`;
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateEksGpuNodeGroupsArgs(args: EksGpuNodeGroupsArgs): void {
  validateGpuPool(args.pool, "aws");
  if (args.pool.capacity.includes("flex-start"))
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.capacity",
      reason: "'flex-start' exists on GKE only",
    });
  if (args.pool.sharing.kind === "mig")
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.sharing",
      reason:
        "EKS node groups have nothing that partitions a GPU; use Karpenter with the GPU operator, or GKE",
    });
}

/** Kubernetes minor and image of a group whose release is pinned, for example `1.36.0-20261101`. */
function releaseOf({ generation }: GpuPool): Pick<aws.eks.NodeGroupArgs, "version" | "releaseVersion"> {
  const release = generation?.release;
  if (release === undefined) return {};
  return { version: release.split(".").slice(0, 2).join("."), releaseVersion: release };
}

/** GPU nodes on EKS without Karpenter: each rung is a node group that the cluster autoscaler fills in ladder order. */
export class EksGpuNodeGroups extends LlmopsComponent {
  readonly nodeGroups: readonly aws.eks.NodeGroup[];

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: EksGpuNodeGroupsArgs, opts: ComponentOptions) {
    validateEksGpuNodeGroupsArgs(args);
    super("gpu", "EksGpuNodeGroups", name, opts);
    this.nodeGroups = args.pool.capacity
      .filter((rung) => rung !== "flex-start")
      .map((rung, index) => this.#nodeGroup(args, rung, index));
    this.registerOutputs({ pool: args.pool.name });
  }

  #nodeGroup(
    args: EksGpuNodeGroupsArgs,
    rung: Exclude<CapacityRung, "flex-start">,
    index: number,
  ): aws.eks.NodeGroup {
    const { pool } = args;
    const template = new aws.ec2.LaunchTemplate(
      this.childName(rung),
      nodeLaunchTemplate(
        `${args.clusterName}-${nodeGroupName(machinesName(pool), rung)}`,
        {
          diskGiB: pool.diskGiB,
          ...(rung === "reserved" && pool.reservation !== undefined
            ? { capacityReservationId: pool.reservation }
            : {}),
        },
        args.tags,
      ),
      { parent: this },
    );
    const minSize = rungMinimum(index, pool.nodes.min);
    return new aws.eks.NodeGroup(
      this.childName(rung),
      {
        clusterName: args.clusterName,
        nodeGroupName: nodeGroupName(machinesName(pool), rung),
        nodeRoleArn: args.nodeRoleArn,
        subnetIds: [...args.subnetIds],
        amiType: "AL2023_x86_64_NVIDIA",
        ...releaseOf(pool),
        instanceTypes: [pool.instanceType],
        capacityType: CAPACITY_TYPES[rung],
        scalingConfig: { minSize, desiredSize: minSize, maxSize: pool.nodes.max },
        updateConfig: { maxUnavailable: 1 },
        nodeRepairConfig: { enabled: true },
        labels: gpuNodeLabels(pool),
        taints: gpuTaints(pool).map(({ key, value }) => ({ key, value, effect: "NO_SCHEDULE" })),
        launchTemplate: { id: template.id, version: pulumi.interpolate`${template.latestVersion}` },
        tags: args.tags,
      },
      { parent: this, ignoreChanges: ["scalingConfig.desiredSize"] },
    );
  }
}
