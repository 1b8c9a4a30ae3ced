import { Counter, Histogram, Registry } from "prom-client";
import { METRICS } from "../../monitoring/metrics.ts";
import type { Left } from "./sample.ts";

/** Why an answer that was taken got no verdict. */
export type Unjudged = "undecided" | "failed" | "queue" | "budget";

/** Why a prompt that was taken got no distance; `reference`: there is no centre to measure from. */
export type Unmeasured = Left | "reference" | "refused" | "failed" | "queue" | "budget";

/** Metrics of the evaluation of live answers; models come from the configuration, so their number is bounded. */
export interface OnlineMetrics {
  readonly registry: Registry;
  readonly judged: Counter<"model" | "verdict">;
  readonly score: Histogram<"model">;
  /** Spans and answers that were not judged, by reason. */
  readonly left: Counter<"reason">;
  readonly tokens: Counter<"kind">;
  readonly distance: Histogram<"model">;
  /** Spans and prompts whose distance was not measured, by reason. */
  readonly unmeasured: Counter<"reason">;
  readonly embeddingTokens: Counter;
}

const LEFT: readonly Left[] = ["consent", "unsampled", "model", "content"];
const UNJUDGED: readonly Unjudged[] = ["undecided", "failed", "queue", "budget"];
const UNMEASURED: readonly Unmeasured[] = ["reference", "refused", "failed", "queue", "budget"];

/** Metrics under the names that the rules of the platform read. */
export function onlineMetrics(): OnlineMetrics {
  const registry = new Registry();
  const registers = [registry];
  const left = new Counter({
    name: "llmops_eval_left_total",
    help: "Spans and live answers that were not judged, by reason.",
    labelNames: ["reason"] as const,
    registers,
  });
  for (const reason of [...LEFT, ...UNJUDGED]) left.inc({ reason }, 0);
  const unmeasured = new Counter({
    name: "llmops_eval_unmeasured_prompts_total",
    help: "Spans and live prompts whose distance to the reference was not measured, by reason.",
    labelNames: ["reason"] as const,
    registers,
  });
  for (const reason of [...LEFT, ...UNMEASURED]) unmeasured.inc({ reason }, 0);
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
    distance: new Histogram({
      name: METRICS.embeddingDistance.name,
      help: "Cosine distance of each sampled prompt to the centre of the reference, 0 to 2.",
      labelNames: ["model"] as const,
      buckets: [...METRICS.embeddingDistance.edges],
      registers,
    }),
    unmeasured,
    embeddingTokens: new Counter({
      name: "llmops_eval_embedding_tokens_total",
      help: "Tokens the embedding model took, for the reference and for prompts.",
      registers,
    }),
  };
}
