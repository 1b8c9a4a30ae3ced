import type { ReplicaParameters } from "../capacity/replica-model.ts";
import type { ReplicaLimits } from "./replica.ts";
import type { Trace } from "./trace.ts";

/**
 * Replica-hours that no scheduler saves, proven: every answer takes its prompt and its tokens, and a step, however full, its
 * fixed time. Randomness, whole replicas and starts come on top.
 */
export function leastReplicaHours(
  parameters: ReplicaParameters,
  { maxNumSeqs }: ReplicaLimits,
  trace: Trace,
): number {
  const { fixedMs, contextNs, prefillUs, sequenceUs } = parameters;
  let seconds = 0;
  trace.arrivals.forEach((_, request) => {
    const input = trace.inputTokens[request] ?? 1;
    const tokens = (trace.outputTokens[request] ?? 1) - 1;
    // The first token comes with the prompt; the others see a context that grows by one.
    const context = tokens * input + (tokens * (tokens + 1)) / 2;
    seconds +=
      (prefillUs * Math.max(1, input - trace.sharedPrefixTokens)) / 1e6 +
      (sequenceUs * tokens) / 1e6 +
      (contextNs * context) / 1e9 +
      (fixedMs * tokens) / 1e3 / maxNumSeqs;
  });
  return seconds / 3600;
}
