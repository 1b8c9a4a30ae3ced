import * as gcp from "../sdk/gcp.ts";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { nodeBasics } from "../cluster/gke.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { ORIGINAL_GENERATION } from "./generation.ts";
import { GKE_ACCELERATOR_TYPES } from "./gke-accelerators.ts";
import { gkeRungs } from "./gke-rungs.ts";
import {
  GPU_POOL_LABEL,
  gpuNodeLabels,
  gpuTaints,
  machinesName,
  validateGpuPool,
  type GpuPool,
} from "./gpu-pool.ts";
import { rungMinimum, type CapacityRung } from "./ladder.ts";

/** How a pod gets onto the pool: it selects the nodes itself, or a ComputeClass walks the ladder for it. */
export type GkeSelection = "node-pool" | "compute-class";

/** A GPU pool as GKE node pools, one per rung of its ladder. */
export interface GkeGpuPoolArgs {
  readonly clusterName: pulumi.Input<string>;
  readonly projectId: string;
  readonly region: string;
  readonly pool: GpuPool;
  readonly selection: GkeSelection;
  readonly serviceAccount: pulumi.Input<string>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Longest name of a node pool, characters. Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools */
const NODE_POOL_NAME_LENGTH = 40;

/** Longest life of a flex-start node: seven days. Source: https://cloud.google.com/kubernetes-engine/docs/concepts/dws */
const FLEX_START_SECONDS = 7 * 24 * 3600;

/** Machines without Persistent Disk. Source: https://cloud.google.com/compute/docs/accelerator-optimized-machines#a3-disks, #a4-disks */
const HYPERDISK_ONLY = /^(a3-ultragpu|a4)-/;

const COMPUTE_CLASS_KEY = "cloud.google.com/compute-class";

/**
 * Node labels by which a pod asks for a pool's ComputeClass; GKE then adds the toleration of its taint.
 * @see https://cloud.google.com/kubernetes-engine/docs/concepts/about-custom-compute-classes
 */
export function computeClassSelector(pool: string): Readonly<Record<string, string>> {
  return { [COMPUTE_CLASS_KEY]: pool };
}

/** Physical name of a rung's node pool. */
export function gkeNodePoolName(pool: string, rung: CapacityRung): string {
  return `${pool}-${rung}`;
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateGkeGpuPoolArgs({ pool, selection }: GkeGpuPoolArgs): void {
  validateGpuPool(pool, "gcp");
  const sold = gkeRungs(pool.instanceType);
  for (const rung of pool.capacity.filter((wanted) => !sold.includes(wanted)))
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.capacity",
      reason: `Google does not sell '${pool.instanceType}' as ${rung}; use ${sold.join(" or ")}`,
    });
  for (const rung of pool.capacity)
    if (gkeNodePoolName(machinesName(pool), rung).length > NODE_POOL_NAME_LENGTH)
      throw new pulumi.InputPropertyError({
        propertyPath: "pool.name",
        reason: `'${gkeNodePoolName(machinesName(pool), rung)}' has more than ${NODE_POOL_NAME_LENGTH} characters`,
      });
  if (
    selection === "compute-class" &&
    pool.generation !== undefined &&
    pool.generation.name !== ORIGINAL_GENERATION
  )
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.generation",
      reason:
        "a ComputeClass names the node pools of one generation; use 'node-pool' to exchange nodes by generations",
    });
  if (selection === "node-pool" && pool.capacity.length > 1)
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.capacity",
      reason: "without a ComputeClass GKE does not keep the order of several rungs; use 'compute-class'",
    });
}

function provisioning(
  rung: CapacityRung,
  reservation: string | undefined,
): Pick<
  gcp.types.input.container.NodePoolNodeConfig,
  "spot" | "flexStart" | "maxRunDuration" | "reservationAffinity"
> {
  switch (rung) {
    case "spot":
      return { spot: true };
    case "flex-start":
      return {
        flexStart: true,
        maxRunDuration: `${FLEX_START_SECONDS}s`,
        reservationAffinity: { consumeReservationType: "NO_RESERVATION" },
      };
    case "reserved":
      return {
        reservationAffinity: {
          consumeReservationType: "SPECIFIC_RESERVATION",
          key: "compute.googleapis.com/reservation-name",
          values: reservation === undefined ? [] : [reservation],
        },
      };
    case "on-demand":
      return {};
  }
}

function accelerator(pool: GpuPool): gcp.types.input.container.NodePoolNodeConfigGuestAccelerator {
  const type = GKE_ACCELERATOR_TYPES[pool.accelerator];
  if (type === undefined) throw new RangeError(`GKE does not offer ${pool.accelerator}`);
  return {
    type,
    count: pool.gpusPerNode,
    gpuDriverInstallationConfig: { gpuDriverVersion: "LATEST" },
    ...(pool.sharing.kind === "mig" ? { gpuPartitionSize: pool.sharing.profile } : {}),
    ...(pool.sharing.kind === "time-slicing"
      ? {
          gpuSharingConfig: {
            gpuSharingStrategy: "TIME_SHARING",
            maxSharedClientsPerGpu: pool.sharing.replicas,
          },
        }
      : {}),
  };
}

/** GPU nodes on GKE, driver and device plugin managed by Google; a ComputeClass tries the rungs in order. */
export class GkeGpuPool extends LlmopsComponent {
  readonly nodePools: readonly gcp.container.NodePool[];

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GkeGpuPoolArgs, opts: ComponentOptions) {
    validateGkeGpuPoolArgs(args);
    super("gpu", "GkeGpuPool", name, opts);
    this.nodePools = args.pool.capacity.map((rung, index) => this.#nodePool(args, rung, index));
    if (args.selection === "compute-class") this.#computeClass(args.pool);
    this.registerOutputs({ pool: args.pool.name });
  }

  #nodePool(args: GkeGpuPoolArgs, rung: CapacityRung, index: number): gcp.container.NodePool {
    const { pool } = args;
    const classed = args.selection === "compute-class";
    return new gcp.container.NodePool(
      this.childName(rung),
      {
        name: gkeNodePoolName(machinesName(pool), rung),
        project: args.projectId,
        location: args.region,
        cluster: args.clusterName,
        ...(pool.generation?.release === undefined ? {} : { version: pool.generation.release }),
        nodeLocations: [...pool.zones],
        autoscaling: {
          totalMinNodeCount: rungMinimum(index, pool.nodes.min),
          totalMaxNodeCount: pool.nodes.max,
          locationPolicy: "ANY",
        },
        // GKE refuses to repair flex-start nodes: https://github.com/GoogleCloudPlatform/cluster-toolkit/pull/4027
        management: { autoRepair: rung !== "flex-start", autoUpgrade: true },
        upgradeSettings: { strategy: "SURGE", maxSurge: 0, maxUnavailable: 1 },
        nodeConfig: {
          machineType: pool.instanceType,
          diskType: HYPERDISK_ONLY.test(pool.instanceType) ? "hyperdisk-balanced" : "pd-balanced",
          diskSizeGb: pool.diskGiB,
          guestAccelerators: [accelerator(pool)],
          gcfsConfig: { enabled: true },
          labels: { ...gpuNodeLabels(pool), ...(classed ? { [COMPUTE_CLASS_KEY]: pool.name } : {}) },
          taints: [
            ...gpuTaints(pool).map(({ key, value }) => ({ key, value, effect: "NO_SCHEDULE" })),
            ...(classed ? [{ key: COMPUTE_CLASS_KEY, value: pool.name, effect: "NO_SCHEDULE" }] : []),
          ],
          ...provisioning(rung, pool.reservation),
          ...nodeBasics(args.serviceAccount, args.labels),
        },
      },
      { parent: this },
    );
  }

  #computeClass(pool: GpuPool): void {
    new k8s.apiextensions.CustomResource(
      this.childName("class"),
      {
        apiVersion: "cloud.google.com/v1",
        kind: "ComputeClass",
        metadata: { name: pool.name, labels: { [GPU_POOL_LABEL]: pool.name } },
        spec: {
          priorities: pool.capacity.map((rung) => ({
            nodepools: [gkeNodePoolName(machinesName(pool), rung)],
          })),
          // Moving a model back to a better rung would cost a cold start of minutes.
          activeMigration: { optimizeRulePriority: false },
          whenUnsatisfiable: "DoNotScaleUp",
        },
      },
      { parent: this, dependsOn: [...this.nodePools] },
    );
  }
}
