import { instanceFor, type GpuCloud } from "../../components/gpu/accelerators.ts";
import type { GpuPool } from "../../components/gpu/gpu-pool.ts";
import type { PlatformConfig } from "../schema/platform.ts";

/** A pool as it stands in the configuration. */
export type PoolConfig = PlatformConfig["gpuPools"][number];

/**
 * A configured pool with its machine type and zones filled in.
 * @throws RangeError when the cloud has no such machine; the configuration checks find it before
 */
export function gpuPoolOf(config: PoolConfig, cloud: GpuCloud, allZones: readonly string[]): GpuPool {
  const instanceType = config.instanceType ?? instanceFor(cloud, config.accelerator, config.gpusPerNode);
  if (instanceType === undefined)
    throw new RangeError(`${cloud} has no machine with ${config.gpusPerNode} x ${config.accelerator}`);
  return {
    name: config.name,
    accelerator: config.accelerator,
    gpusPerNode: config.gpusPerNode,
    instanceType,
    capacity: config.capacity,
    ...(config.reservation === undefined ? {} : { reservation: config.reservation }),
    nodes: { min: config.nodes.min, max: config.nodes.max },
    zones: config.zones ?? allZones,
    diskGiB: config.diskGiB,
    sharing: config.sharing,
  };
}
