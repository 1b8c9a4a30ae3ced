import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Runbook } from "../components/observability/dashboards/grafana.ts";
import type { DashboardScope } from "../components/observability/dashboards/scope.ts";
import { engineGauges } from "../components/serving/engine-metrics.ts";
import type { CompiledPipeline } from "../monitoring/compiled.ts";
import { gpuExporter } from "./gpu-exporter.ts";
import { pipelineOf } from "./pipeline.ts";
import type { PlatformConfig } from "./schema/platform.ts";

const RUNBOOKS = join(import.meta.dirname, "..", "docs", "runbooks");

/** Every page of docs/runbooks. */
export function runbooks(): readonly Runbook[] {
  return readdirSync(RUNBOOKS)
    .filter((file) => file.endsWith(".md"))
    .sort()
    .map((file) => ({
      name: file.replace(/\.md$/, ""),
      markdown: readFileSync(join(RUNBOOKS, file), "utf8"),
    }));
}

/**
 * The promise of the pipeline file about calls that are answered.
 * @throws RangeError when it makes none; its schema refuses that before
 */
export function availabilityOf({ objectives }: CompiledPipeline): number {
  const promised = objectives.find(({ id }) => id === "availability");
  if (promised === undefined) throw new RangeError("the pipeline has no objective 'availability'");
  return promised.objective;
}

/** What the dashboards of an environment can show. */
export function dashboardScope(config: PlatformConfig): DashboardScope {
  const pipeline = pipelineOf(config);
  const gauges = config.models.flatMap(({ engine }) => engineGauges(engine) ?? []);
  return {
    budgetUsd: config.budget.monthly * config.budget.usdPerUnit,
    availability: availabilityOf(pipeline),
    objectives: config.models.map(({ name, slo }) => ({
      model: name,
      ttftP95Seconds: slo.ttftP95Ms / 1000,
      e2eP99Seconds: slo.e2eP99Ms / 1000,
    })),
    measured: pipeline.metrics,
    detectors: pipeline.detectors,
    engines: [...new Map(gauges.map((each) => [each.waiting, each])).values()],
    agents: config.gateway.clients.some(({ trace }) => trace !== undefined) ? "limited" : "none",
    providers: config.providers.length > 0 ? "priced" : "none",
    gpus: gpuExporter(config) === "none" ? "none" : "exported",
  };
}
