import type { DashboardScope } from "../../../components/observability/dashboards/scope.ts";
import { engineGauges } from "../../../components/serving/engine-metrics.ts";
import { compilePipeline } from "../../../monitoring/compile.ts";
import type { CompiledPipeline } from "../../../monitoring/compiled.ts";
import { availabilityOf } from "../../../stacks/dashboard-scope.ts";
import { readPipeline } from "../../../stacks/schema/pipeline-file.ts";
import type { Look } from "../../../reporting/panels.ts";

/** The synthetic data: nine days of one month, so that a report on that month has a hole it must name. */
export const FROM = new Date("2026-10-22T00:00:00Z");
export const TO = new Date("2026-10-31T12:00:00Z");

const vllm = engineGauges({ kind: "vllm", image: "unused", maxModelLen: 16_384, maxNumSeqs: 128 });

const OBJECTIVES = [
  { model: "claims-assistant", ttftP95Seconds: 0.8, e2eP99Seconds: 20 },
  { model: "claims-reasoner", ttftP95Seconds: 2, e2eP99Seconds: 60 },
];
const BUDGET_USD = 5_200;

function compiled(): CompiledPipeline {
  const result = readPipeline("monitoring/llm-pipeline.yaml");
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return compilePipeline(result.pipeline, {
    budgetUsd: BUDGET_USD,
    pools: [{ name: "l40s", usdPerHour: "2.1" }],
    models: OBJECTIVES.map(({ model: name, ...objective }) => ({ name, ...objective })),
  });
}

/** What the shipped pipeline file becomes for that platform. */
export const PIPELINE = compiled();

/** The platform the data is about. */
export const SCOPE: DashboardScope = {
  budgetUsd: BUDGET_USD,
  availability: availabilityOf(PIPELINE),
  objectives: OBJECTIVES,
  measured: PIPELINE.metrics,
  detectors: PIPELINE.detectors,
  engines: vllm === undefined ? [] : [vllm],
  agents: "limited",
  providers: "priced",
  gpus: "exported",
};

const HOUR_MS = 3_600_000;

/** How each dashboard is looked at: the executive one at nine days, the technical one at six hours. */
export const LOOKS: Readonly<Record<string, Look>> = {
  "llmops-executive": { period: { from: FROM, to: TO }, stepSeconds: 3600 },
  "llmops-technical": { period: { from: new Date(TO.getTime() - 6 * HOUR_MS), to: TO }, stepSeconds: 120 },
};
