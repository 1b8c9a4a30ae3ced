import { memoryBalance } from "../capacity/memory.ts";
import { cardOfRepository } from "../capacity/models.ts";
import { roofline } from "../capacity/roofline.ts";
import { seedFor } from "../capacity/seeds.ts";
import { batchedTokensFor, tokenRates } from "../capacity/sizing.ts";
import { ACCELERATOR_SPECS } from "../components/gpu/accelerators.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import { exponentialLengths, type Trace } from "../simulation/trace.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import type { MeanRequest, TokenCapacity } from "./traffic.ts";

type Model = PlatformConfig["models"][number];

/** What one replica of a model sustains, and how that is known. */
export type ReplicaCapacity =
  | (TokenCapacity & {
      readonly kind: "known";
      /** Requests per second of the mean request that fill it. */
      readonly requestsPerSecond: number;
      readonly origin: string;
    })
  | { readonly kind: "unknown"; readonly reason: string };

/** Time per token an interactive reader accepts, ms; the stack file has no objective for it. */
const TOKEN_MS = 100;

function requestsPerSecond(
  { inputTokens, outputTokens }: MeanRequest,
  { inputTokensPerSecond, outputTokensPerSecond }: TokenCapacity,
): number {
  return 1 / (inputTokens / inputTokensPerSecond + outputTokens / outputTokensPerSecond);
}

/**
 * Capacity of one replica: as declared in the stack file, else by the capacity model at the objective of its first token.
 * @param requests lengths of requests. @default they scatter exponentially around the mean
 */
export function replicaCapacity(
  model: Model,
  { gpuPools }: Pick<PlatformConfig, "gpuPools">,
  mean: MeanRequest,
  requests: Trace = exponentialLengths(mean, 1),
): ReplicaCapacity {
  const declared = model.autoscaling.capacity;
  if (declared !== undefined)
    return {
      kind: "known",
      inputTokensPerSecond: declared.inputTokensPerSecond,
      outputTokensPerSecond: declared.outputTokensPerSecond,
      requestsPerSecond: requestsPerSecond(mean, declared),
      origin: `${declared.source}, ${declared.asOf}`,
    };
  const card = model.source.kind === "hub" ? cardOfRepository(model.source.repository) : undefined;
  const pool = gpuPools.find(({ name }) => name === model.gpu.pool);
  if (card === undefined || pool === undefined)
    return {
      kind: "unknown",
      reason: `models '${model.name}': its weights are not in the model table; write autoscaling.capacity`,
    };
  const [name, known] = card;
  const { tensorParallel } = model.gpu;
  const seed = seedFor({ model: name, accelerator: pool.accelerator, tensorParallel });
  const parameters = seed?.parameters ?? roofline(known, pool.accelerator, tensorParallel);
  const slo = { ttftMs: model.slo.ttftP95Ms, tpotMs: TOKEN_MS };
  const { cacheTokens } = memoryBalance(model.architecture, {
    tensorParallel,
    gpuMemoryGiB: ACCELERATOR_SPECS[pool.accelerator].memoryGiB,
  });
  const limits = {
    batchedTokens: batchedTokensFor(parameters, slo),
    maxNumSeqs: model.engine.maxNumSeqs,
    cacheTokens,
  };
  const full = serviceRate(parameters, limits, slo, requests);
  if (full === undefined)
    return {
      kind: "unknown",
      reason: `models '${model.name}': no rate keeps the first token within slo.ttftP95Ms = ${slo.ttftMs} for prompts of ${mean.inputTokens.toFixed(0)} tokens; measure it with \`llmops calibrate\` and write autoscaling.capacity, or use faster GPUs`,
    };
  const rates = tokenRates(parameters, mean, full);
  return {
    kind: "known",
    inputTokensPerSecond: rates.inputTokensPerSecond,
    outputTokensPerSecond: rates.outputTokensPerSecond,
    requestsPerSecond: full.requestsPerSecond,
    origin:
      seed === undefined
        ? "estimated from data sheets, expect +-30 % or more (docs/capacity.md)"
        : `fitted to published measurements of ${seed.engine} ${seed.version}`,
  };
}
