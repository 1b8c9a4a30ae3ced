import { refuse } from "../component.ts";
import { ACCELERATOR_SPECS, instanceGpus, type Accelerator, type GpuCloud } from "./accelerators.ts";
import { GENERATION_TAINT_KEY, ORIGINAL_GENERATION, type PoolGeneration } from "./generation.ts";
import type { CapacityRung } from "./ladder.ts";

/** How pods share one GPU. */
export type GpuSharing =
  | { readonly kind: "none" }
  | { readonly kind: "mig"; readonly profile: string }
  | { readonly kind: "time-slicing"; readonly replicas: number };

/** What a pool of GPU nodes is, on any cloud. */
export interface GpuPool {
  /** Name models refer to; value of the label `llmops.io/gpu-pool`. */
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly gpusPerNode: number;
  readonly instanceType: string;
  /** What to try first, second, ... */
  readonly capacity: readonly CapacityRung[];
  /** Id (AWS) or name (GCP) of the reservation behind the `reserved` rung. */
  readonly reservation?: string;
  /** Least and most nodes of the pool. */
  readonly nodes: { readonly min: number; readonly max: number };
  readonly zones: readonly string[];
  /** Boot disk, GiB. */
  readonly diskGiB: number;
  readonly sharing: GpuSharing;
  /** @default the original one, serving */
  readonly generation?: PoolGeneration;
}

/** Name of a pool's machines: the pool's own for its original generation. */
export function machinesName({ name, generation }: Pick<GpuPool, "name" | "generation">): string {
  return generation === undefined || generation.name === ORIGINAL_GENERATION
    ? name
    : `${name}-${generation.name}`;
}

/** Taints of a pool's nodes: for pods without a GPU always, for every new pod unless its generation serves. */
export function gpuTaints({ generation }: Pick<GpuPool, "generation">): {
  readonly key: string;
  readonly value: string;
  readonly effect: "NoSchedule";
}[] {
  return [
    { ...GPU_TAINT },
    ...(generation === undefined || generation.state === "serving"
      ? []
      : [{ key: GENERATION_TAINT_KEY, value: generation.state, effect: "NoSchedule" as const }]),
  ];
}

/** Label of every GPU node and of the resource that creates it: the pool's name. */
export const GPU_POOL_LABEL = "llmops.io/gpu-pool";

/** Taint that keeps everything without a GPU request away; GKE sets the same one by itself. */
export const GPU_TAINT = { key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" } as const;

/** Labels of a pool's nodes. The device plugin's node affinity looks for `nvidia.com/gpu.present`. */
export function gpuNodeLabels(pool: GpuPool): Record<string, string> {
  const sharing: Record<string, string> =
    pool.sharing.kind === "time-slicing"
      ? { "nvidia.com/device-plugin.config": timeSlicingConfigName(pool.sharing.replicas) }
      : pool.sharing.kind === "mig"
        ? { "nvidia.com/mig.config": `all-${pool.sharing.profile}` }
        : {};
  return {
    [GPU_POOL_LABEL]: pool.name,
    "llmops.io/accelerator": pool.accelerator,
    "nvidia.com/gpu.present": "true",
    ...sharing,
  };
}

/** Name of the device plugin's configuration for a number of time slices. */
export function timeSlicingConfigName(replicas: number): string {
  return `time-slicing-${replicas}`;
}

/**
 * Checks a pool.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateGpuPool(pool: GpuPool, cloud: GpuCloud): void {
  const machine = instanceGpus(cloud, pool.instanceType);
  if (machine === undefined)
    return refuse("instanceType", `'${pool.instanceType}' is not a known GPU machine of ${cloud}`);
  if (machine.accelerator !== pool.accelerator || machine.gpus !== pool.gpusPerNode)
    refuse(
      "instanceType",
      `'${pool.instanceType}' has ${machine.gpus} x ${machine.accelerator}, not ${pool.gpusPerNode} x ${pool.accelerator}`,
    );
  if (pool.capacity.length === 0) refuse("capacity", "the ladder has no rung");
  if (new Set(pool.capacity).size !== pool.capacity.length) refuse("capacity", "a rung occurs twice");
  if (pool.capacity.includes("reserved") !== (pool.reservation !== undefined))
    refuse("reservation", "a 'reserved' rung and a reservation need each other");
  const { min, max } = pool.nodes;
  if (!Number.isInteger(min) || min < 0) refuse("nodes.min", `${min} is not a whole number from 0`);
  if (!Number.isInteger(max) || max < Math.max(1, min))
    refuse("nodes.max", `${max} is less than min ${min} or 1`);
  if (pool.zones.length === 0) refuse("zones", "the pool has no zone");
  if (pool.sharing.kind === "mig" && ACCELERATOR_SPECS[pool.accelerator].mig === "none")
    refuse("sharing", `${pool.accelerator} cannot be partitioned`);
}
