import { CAPACITY_RUNGS, type CapacityRung } from "./ladder.ts";

/**
 * Machines Google does not sell on every rung. Source: "Consumption option availability by machine type",
 * https://cloud.google.com/compute/docs/accelerator-optimized-machines; that A4 is not sold on demand:
 * https://github.com/dstackai/dstack/pull/3100
 */
const SOME: Readonly<Record<string, readonly CapacityRung[]>> = {
  "a3-highgpu-1g": ["flex-start", "spot"],
  "a4-highgpu-8g": ["reserved", "flex-start", "spot"],
};

/** Rungs on which Google sells a machine type. */
export function gkeRungs(machineType: string): readonly CapacityRung[] {
  return SOME[machineType] ?? CAPACITY_RUNGS;
}
