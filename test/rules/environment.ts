import type { Registry } from "prom-client";
import { createMetrics } from "../../gateway/src/metrics/metrics.ts";
import { compilePipeline } from "../../monitoring/compile.ts";
import type { CompiledPipeline } from "../../monitoring/compiled.ts";
import type { Pipeline } from "../../monitoring/schema.ts";
import { DEFAULT_PIPELINE, parsePipelineText, readPipeline } from "../../stacks/schema/pipeline-file.ts";

/** The shipped declarative file. */
export function shippedPipeline(): Pipeline {
  const result = readPipeline(DEFAULT_PIPELINE);
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return result.pipeline;
}

/** A budget of 7,300 USD is 10 USD per hour; one pool of nodes at 1.25 USD/h; one model with limits of its own; evaluations. */
export const ENVIRONMENT = {
  budgetUsd: 7_300,
  pools: [{ name: "l4", usdPerHour: "1.25" }],
  models: [{ name: "slow", ttftP95Seconds: 2, e2eP99Seconds: 20 }],
  evaluationClient: "evaluation",
} as const;

/** The shipped file, compiled. */
export function shipped(): CompiledPipeline {
  return compilePipeline(shippedPipeline(), ENVIRONMENT);
}

/** A file that uses every key: every objective, the other kind of each detector, a calibrated judge. */
export const EVERYTHING = `
name: everything
slos:
  availability: { objective: 99 %, windowDays: 28 }
metrics:
  latency_p95: < 0.4 s
  latency_p99: < 800 ms
  time_to_first_token_p95: < 200 ms
  time_to_first_token_p99: < 1500 ms
  hallucination_rate: < 2 %
  cost_per_request: tracked
  tokens_per_request: tracked
judge: { kind: calibrated, sensitivity: 0.9, specificity: 0.98, measured: 2026-11-01 }
drift:
  window: 1h
  reference: { range: 6h, offset: 1h }
  minimumSamples: 500
  signals:
    prompt_bytes: { detector: psi }
    input_tokens: { detector: psi }
    output_tokens: { detector: psi }
    guard_verdicts: { detector: psi }
    embedding_distance: { detector: psi }
    eval_score: { detector: ks }
    eval_failures: { detector: page-hinkley }
alerts:
  drift_detected: { action: notify }
  quality_drop: { action: notify }
  cost_spike: { action: notify }
runbooks: https://git.example/runbooks/
`;

/** {@link EVERYTHING}, compiled. */
export function everything(): CompiledPipeline {
  const result = parsePipelineText(EVERYTHING, "everything.yaml");
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return compilePipeline(result.pipeline, ENVIRONMENT);
}

/** Metrics of a gateway at rest. */
export function gatewayRegistry(): Registry {
  const zero = (): number => 0;
  return createMetrics({
    inFlight: zero,
    queued: zero,
    auditReady: zero,
    auditUnsigned: zero,
    auditOpen: zero,
    auditUnshipped: zero,
    auditBytes: zero,
    auditShipFailing: zero,
    stopped: zero,
    throttled: zero,
    replicas: () => new Map(),
  }).registry;
}
