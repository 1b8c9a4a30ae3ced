import { Counter, Histogram, Registry } from "prom-client";
import { METRICS } from "../../monitoring/metrics.ts";
import type { Left } from "./sample.ts";

/** Why an answer that was taken got no verdict. */
export type Unjudged = "undecided" | "failed" | "queue" | "budget";

/** Metrics of the evaluation of live answers; models come from the configuration, so their number is bounded. */
export interface OnlineMetrics {
  readonly registry: Registry;
  readonly judged: Counter<"model" | "verdict">;
  readonly score: Histogram<"model">;
  /** Spans and answers that were not judged, by reason. */
  readonly left: Counter<"reason">;
  readonly tokens: Counter<"kind">;
}

/** Metrics under the names that the rules of the platform read. */
export function onlineMetrics(): OnlineMetrics {
  const registry = new Registry();
  const registers = [registry];
  const reasons: readonly (Left | Unjudged)[] = [
    ...(["consent", "unsampled", "model", "content"] as const),
    ...(["undecided", "failed", "queue", "budget"] as const),
  ];
  const left = new Counter({
    name: "llmops_eval_left_total",
    help: "Spans and live answers that were not judged, by reason.",
    labelNames: ["reason"] as const,
    registers,
  });
  for (const reason of reasons) left.inc({ reason }, 0);
  return {
    registry,
    judged: new Counter({
      name: METRICS.judgedAnswers.name,
      help: "Live answers a judge has read, by verdict.",
      labelNames: ["model", "verdict"] as const,
      registers,
    }),
    score: new Histogram({
      name: METRICS.evalScore.name,
      help: "Score of each live answer that was judged, 0 to 1.",
      labelNames: ["model"] as const,
      buckets: [...METRICS.evalScore.edges],
      registers,
    }),
    left,
    tokens: new Counter({
      name: "llmops_eval_judge_tokens_total",
      help: "Tokens the judge took, by kind.",
      labelNames: ["kind"] as const,
      registers,
    }),
  };
}
