import type { Accelerator } from "../components/gpu/accelerators.ts";
import type { ModelCard } from "./models.ts";
import type { ReplicaParameters } from "./replica-model.ts";

/** Memory bandwidth, GB/s, and dense bf16 throughput, 10^12 operations per second, by the vendor's data sheet. */
const PEAK: Readonly<Record<Accelerator, readonly [bandwidth: number, operations: number]>> = {
  T4: [320, 65],
  L4: [300, 121],
  A10G: [600, 70],
  L40S: [864, 362],
  "A100-40GB": [1555, 312],
  "A100-80GB": [2039, 312],
  H100: [3350, 989],
  H200: [4800, 989],
  B200: [8000, 2250],
};

/** Where the peaks were read. */
export const PEAK_SOURCE = "https://www.nvidia.com/en-us/data-center/ (data sheets, read 2026-11-24)";

/** Shares of the peaks that engines reach: an assumption; see docs/capacity.md for how far off it can be. */
const REACHED = { bandwidth: 0.8, operations: 0.45 } as const;

/** Overhead per sequence and step, µs: the median of the confirmed fits on one to eight H100 is of this order. */
const SEQUENCE_US = 60;

/** Estimate of the four parameters from data sheets, for configurations nobody has published measurements of. */
export function roofline(
  model: ModelCard,
  accelerator: Accelerator,
  tensorParallel: number,
): ReplicaParameters {
  const [bandwidth, operations] = PEAK[accelerator];
  const bytesPerSecond = bandwidth * 1e9 * REACHED.bandwidth * tensorParallel;
  const heads = Math.max(1, model.kvHeads / tensorParallel) * tensorParallel;
  return {
    fixedMs: (1e3 * model.activeBillion * 1e9 * model.bytesPerParameter) / bytesPerSecond,
    contextNs: (1e9 * 2 * model.layers * heads * model.headDim * model.kvBytesPerElement) / bytesPerSecond,
    prefillUs:
      (1e6 * 2 * model.activeBillion * 1e9) / (operations * 1e12 * REACHED.operations * tensorParallel),
    sequenceUs: SEQUENCE_US,
  };
}
