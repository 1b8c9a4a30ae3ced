/**
 * Time of one engine step as four parameters: fixed + context x (tokens in the key-value cache of decoding sequences) +
 * prefill x (prompt tokens in the step) + sequence x (decoding sequences).
 */
export interface ReplicaParameters {
  /** Time every step takes, ms: mostly the weights read once. */
  readonly fixedMs: number;
  /** Time per token of context that decoding sequences attend to, ns. */
  readonly contextNs: number;
  /** Time per prompt token, µs. */
  readonly prefillUs: number;
  /** Time per decoding sequence, µs. */
  readonly sequenceUs: number;
}

/** Mean request. */
export interface Workload {
  /** Prompt tokens. */
  readonly inputTokens: number;
  /** Generated tokens. */
  readonly outputTokens: number;
}

/** What an engine admits. */
export interface EngineLimits {
  /** Most tokens in one step (`--max-num-batched-tokens`). */
  readonly batchedTokens: number;
  /** Most sequences in one batch. */
  readonly maxNumSeqs: number;
}

/** What a replica does at a constant number of concurrent requests. */
export interface Prediction {
  /** Requests in flight. */
  readonly concurrency: number;
  /** Mean time to the first token, ms. */
  readonly ttftMs: number;
  /** Mean time per further token, ms. */
  readonly tpotMs: number;
  readonly requestsPerSecond: number;
  /** Generated tokens per second. */
  readonly outputTokensPerSecond: number;
}

/** Factors of the four parameters in the mean step of a steady closed loop, in the order fixed, context, prefill, sequence. */
export function stepFactors(
  { inputTokens, outputTokens }: Workload,
  concurrency: number,
): readonly [number, number, number, number] {
  const meanContext = inputTokens + outputTokens / 2;
  // While a sequence generates, every other one is replaced once and brings its prompt.
  const promptTokens = (concurrency * inputTokens) / outputTokens;
  return [1, concurrency * meanContext, promptTokens, concurrency];
}

/** Mean step time of a steady closed loop, ms: the time per output token. */
export function stepMs(parameters: ReplicaParameters, workload: Workload, concurrency: number): number {
  const [fixed, context, prefill, sequence] = stepFactors(workload, concurrency);
  return (
    parameters.fixedMs * fixed +
    (parameters.contextNs * context) / 1e6 +
    (parameters.prefillUs * prefill) / 1e3 +
    (parameters.sequenceUs * sequence) / 1e3
  );
}

/** Steps of a fixed-point iteration; the map contracts, so few are enough. */
const ITERATIONS = 32;

/**
 * Mean latencies and throughput of a closed loop. The first token waits for the prompts before it as in an M/D/1 queue, whose
 * server is the chunked prefill.
 */
export function predict(
  parameters: ReplicaParameters,
  workload: Workload,
  concurrency: number,
  { batchedTokens }: Pick<EngineLimits, "batchedTokens">,
): Prediction {
  const tpotMs = stepMs(parameters, workload, concurrency);
  const chunks = Math.ceil(workload.inputTokens / batchedTokens);
  const decodeMs =
    parameters.fixedMs +
    (parameters.contextNs * concurrency * (workload.inputTokens + workload.outputTokens / 2)) / 1e6 +
    (parameters.sequenceUs * concurrency) / 1e3;
  const serviceMs = chunks * decodeMs + (parameters.prefillUs * workload.inputTokens) / 1e3;
  let ttftMs = serviceMs;
  for (let step = 0; step < ITERATIONS; step++) {
    const lifeMs = ttftMs + (workload.outputTokens - 1) * tpotMs;
    const busy = Math.min(0.98, (concurrency * serviceMs) / lifeMs);
    const waitMs =
      concurrency === 1 ? 0 : Math.min((busy / (2 * (1 - busy))) * serviceMs, (concurrency - 1) * serviceMs);
    ttftMs = (ttftMs + serviceMs + waitMs) / 2;
  }
  const requestsPerSecond = (1000 * concurrency) / (ttftMs + (workload.outputTokens - 1) * tpotMs);
  return {
    concurrency,
    ttftMs,
    tpotMs,
    requestsPerSecond,
    outputTokensPerSecond: requestsPerSecond * workload.outputTokens,
  };
}
