import type { CompiledDetector, CompiledMetric } from "../../../monitoring/compiled.ts";
import type { EngineGauges } from "../../serving/engine-metrics.ts";

/** What the dashboards of an environment are made from; what nothing there measures gets no panel. */
export interface DashboardScope {
  /** Budget of a month, USD. */
  readonly budgetUsd: number;
  /** Share of calls that must be answered, for example 0.999. */
  readonly availability: number;
  /** Own models with their objectives, seconds; calls to external providers have none. */
  readonly objectives: readonly {
    readonly model: string;
    readonly ttftP95Seconds: number;
    readonly e2eP99Seconds: number;
  }[];
  /** What the pipeline file measures, and the detectors of drift it sets. */
  readonly measured: readonly CompiledMetric[];
  readonly detectors: readonly CompiledDetector[];
  /** Gauges of each kind of engine there. */
  readonly engines: readonly EngineGauges[];
  /** `limited`: some client is an agent whose runs have limits. */
  readonly agents: "limited" | "none";
  /** `priced`: models of external providers, whose calls have a price. */
  readonly providers: "priced" | "none";
  /** `exported`: DCGM exporter runs on the GPU nodes and Prometheus reads it. */
  readonly gpus: "exported" | "none";
}

/** Strictest objective of all models, or undefined without any. */
export function strictest(
  { objectives }: DashboardScope,
  pick: (objective: DashboardScope["objectives"][number]) => number,
): number | undefined {
  return objectives.length === 0 ? undefined : Math.min(...objectives.map(pick));
}
