import { memoryBalance } from "../capacity/memory.ts";
import { MODELS } from "../capacity/models.ts";
import { seedFor } from "../capacity/seeds.ts";
import { roofline } from "../capacity/roofline.ts";
import { batchedTokensFor } from "../capacity/sizing.ts";
import { ACCELERATOR_SPECS, instanceFor, type Accelerator } from "../components/gpu/accelerators.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import { exponentialLengths } from "../simulation/trace.ts";
import type { Answers } from "./questions.ts";

/** Model every start begins with: open licence, fits one small GPU. */
export const MODEL = "mistral-7b";

/** Requests the scheduler keeps in one batch. */
export const MAX_SEQUENCES = 64;

/** Contexts a start chooses from, tokens. */
const MODEL_CONTEXT = 32_768;
const CONTEXTS: readonly number[] = [4096, 8192, 16_384, MODEL_CONTEXT];

/** How many replicas the peak needs, and why. */
export interface Sizing {
  readonly accelerator: Accelerator;
  readonly maxModelLen: number;
  readonly peakPerSecond: number;
  readonly perReplica: number;
  readonly replicas: number;
}

/** No GPU of the start meets the answers. */
export class SizingError extends Error {
  override readonly name = "SizingError";
}

/** GPUs a start may use, from the cheapest per hour; the first that meets the answers is taken. */
const CANDIDATES: readonly Accelerator[] = ["L4", "L40S", "A100-40GB", "A100-80GB", "H100"];

/** Requests per second one replica takes within the objectives; undefined when it meets them at no rate. */
function ratePerReplica(
  { inputTokens, outputTokens, firstTokenMs, wholeAnswerMs }: Answers,
  accelerator: Accelerator,
): number | undefined {
  const card = MODELS[MODEL];
  if (card === undefined) throw new SizingError(`the model table has no ${MODEL}`);
  const parameters =
    seedFor({ model: MODEL, accelerator, tensorParallel: 1, engine: "vllm" })?.parameters ??
    roofline(card, accelerator, 1);
  const slo = { ttftMs: firstTokenMs, tpotMs: (wholeAnswerMs - firstTokenMs) / outputTokens };
  const { cacheTokens } = memoryBalance(card, {
    tensorParallel: 1,
    gpuMemoryGiB: ACCELERATOR_SPECS[accelerator].memoryGiB,
  });
  const limits = {
    batchedTokens: batchedTokensFor(parameters, slo),
    maxNumSeqs: MAX_SEQUENCES,
    cacheTokens,
  };
  return serviceRate(parameters, limits, slo, exponentialLengths({ inputTokens, outputTokens }, 1))
    ?.requestsPerSecond;
}

/**
 * GPU and replicas for the busiest hour from the capacity model.
 * @throws SizingError when one replica cannot meet the latency on any GPU
 */
export function sizingOf(answers: Answers): Sizing {
  const { inputTokens, outputTokens, firstTokenMs, wholeAnswerMs, cloud } = answers;
  const offered = CANDIDATES.filter((accelerator) => instanceFor(cloud, accelerator, 1) !== undefined);
  for (const accelerator of offered) {
    const perReplica = ratePerReplica(answers, accelerator);
    if (perReplica === undefined) continue;
    const peakPerSecond = (answers.peakUsers * answers.requestsPerUserHour) / 3600;
    return {
      accelerator,
      maxModelLen: CONTEXTS.find((length) => length >= 2 * (inputTokens + outputTokens)) ?? MODEL_CONTEXT,
      peakPerSecond,
      perReplica,
      replicas: Math.max(1, Math.ceil(peakPerSecond / perReplica)),
    };
  }
  throw new SizingError(
    `firstTokenMs = ${firstTokenMs} and wholeAnswerMs = ${wholeAnswerMs}: ${MODEL} meets them on none of ${offered.join(", ")}; allow more time or shorter answers (\`llmops capacity\` shows what is possible)`,
  );
}
