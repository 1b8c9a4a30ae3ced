import type { Accelerator } from "../components/gpu/accelerators.ts";
import { ACCELERATOR_SPECS, type GpuCloud } from "../components/gpu/accelerators.ts";
import { cheapestMachine } from "./machines.ts";
import { memoryBalance, type Architecture, type MemoryBalance } from "./memory.ts";
import { stepMs, type ReplicaParameters, type Workload } from "./replica-model.ts";

/** Tokens per second that fill a replica alone, and its concurrency: what the stack file's `autoscaling.capacity` takes. */
export interface CapacityFigures {
  readonly inputTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  readonly concurrency: number;
  /** Mean time per token of a full replica, ms. */
  readonly tokenMs: number;
  /** Mean time per token of a replica with a single request, ms. */
  readonly idleTokenMs: number;
}

/** Smallest and largest step the engine is told to take, tokens. */
const CHUNKS = [512, 1024, 2048, 4096, 8192] as const;

/** Largest chunk of prompts whose step stays within the time per token, so that one prompt never breaks another's stream. */
export function batchedTokensFor(
  { fixedMs, prefillUs }: ReplicaParameters,
  { tpotMs }: { readonly tpotMs: number },
): number {
  return CHUNKS.findLast((tokens) => fixedMs + (prefillUs * tokens) / 1e3 <= tpotMs) ?? CHUNKS[0];
}

/**
 * Splits what a full replica does in a second over prompt and output tokens, in proportion to the time each takes: any mix near
 * the workload then adds up to the right number of replicas.
 */
export function tokenRates(
  parameters: ReplicaParameters,
  workload: Workload,
  full: { readonly requestsPerSecond: number; readonly concurrency: number; readonly tokenMs: number },
): CapacityFigures {
  const prefillMs = (parameters.prefillUs * workload.inputTokens) / 1e3;
  const perTokenMs = stepMs(parameters, workload, full.concurrency) / full.concurrency;
  const decodeMs = Math.max(workload.outputTokens * perTokenMs - prefillMs, workload.outputTokens * 1e-3);
  const scale = 1000 / full.requestsPerSecond / (prefillMs + decodeMs);
  return {
    inputTokensPerSecond: (1000 * workload.inputTokens) / (prefillMs * scale),
    outputTokensPerSecond: (1000 * workload.outputTokens) / (decodeMs * scale),
    concurrency: Math.max(1, Math.floor(full.concurrency)),
    tokenMs: full.tokenMs,
    idleTokenMs: Math.min(full.tokenMs, stepMs(parameters, workload, 1)),
  };
}

/** A place a model fits into. */
export interface Fit {
  readonly machine: string;
  readonly accelerator: Accelerator;
  readonly tensorParallel: number;
  /** Share of the machine's price that a replica takes, USD/h. */
  readonly usdPerHour: number;
  readonly memory: MemoryBalance;
}

/**
 * Cheapest priced machine of a region whose GPUs hold the weights and the cache of at least one longest context; undefined when
 * none does.
 */
export function cheapestFit(
  model: Architecture,
  maxModelLen: number,
  place: { readonly cloud: GpuCloud; readonly region: string },
): Fit | undefined {
  const fits = (Object.keys(ACCELERATOR_SPECS) as Accelerator[]).flatMap((accelerator) =>
    ([1, 2, 4, 8] as const).flatMap((tensorParallel): Fit[] => {
      const memory = memoryBalance(model, {
        tensorParallel,
        gpuMemoryGiB: ACCELERATOR_SPECS[accelerator].memoryGiB,
      });
      const machine = cheapestMachine(place, accelerator, tensorParallel);
      return machine === undefined || memory.cacheTokens < maxModelLen
        ? []
        : [{ ...machine, accelerator, tensorParallel, memory }];
    }),
  );
  return fits.sort((a, b) => a.usdPerHour - b.usdPerHour).at(0);
}
