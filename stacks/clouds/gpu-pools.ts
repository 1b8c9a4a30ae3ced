import { instanceFor, type GpuCloud } from "../../components/gpu/accelerators.ts";
import { computeClassSelector } from "../../components/gpu/gke-pool.ts";
import { GPU_POOL_LABEL, type GpuPool } from "../../components/gpu/gpu-pool.ts";
import type { PlatformConfig } from "../schema/platform.ts";

/** A pool as it stands in the configuration. */
export type PoolConfig = PlatformConfig["gpuPools"][number];

/**
 * Machine type of a configured pool's nodes.
 * @throws RangeError when the cloud has no such machine; the configuration checks find it before
 */
export function instanceTypeOf(config: PoolConfig, cloud: GpuCloud): string {
  const instanceType = config.instanceType ?? instanceFor(cloud, config.accelerator, config.gpusPerNode);
  if (instanceType === undefined)
    throw new RangeError(`${cloud} has no machine with ${config.gpusPerNode} x ${config.accelerator}`);
  return instanceType;
}

/** Labels of the nodes that a pod on the pool asks for. */
export function nodeSelectorOf({ name, provisioner }: PoolConfig): Readonly<Record<string, string>> {
  return provisioner === "compute-class" ? computeClassSelector(name) : { [GPU_POOL_LABEL]: name };
}

/**
 * The generations of a configured pool, with machine type and zones filled in. Only a serving one keeps idle nodes.
 * @throws RangeError when the cloud has no such machine; the configuration checks find it before
 */
export function gpuPoolsOf(config: PoolConfig, cloud: GpuCloud, allZones: readonly string[]): GpuPool[] {
  const instanceType = instanceTypeOf(config, cloud);
  return config.generations.map(({ name, state, release }) => ({
    name: config.name,
    accelerator: config.accelerator,
    gpusPerNode: config.gpusPerNode,
    instanceType,
    capacity: config.capacity,
    ...(config.reservation === undefined ? {} : { reservation: config.reservation }),
    nodes: { min: state === "serving" ? config.nodes.min : 0, max: config.nodes.max },
    zones: config.zones ?? allZones,
    diskGiB: config.diskGiB,
    sharing: config.sharing,
    generation: { name, state, ...(release === undefined ? {} : { release }) },
  }));
}
