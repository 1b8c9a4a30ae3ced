import type { AlertAction, AlertSeverity, AlertSignal, PipelineEvent, RuleGroup } from "./rule.ts";

/** A service level objective and the series it is recorded in; names and labels are those of Sloth, so its dashboards work. */
export interface CompiledObjective {
  /** Value of the label `sloth_slo`, for example `availability` or `latency_p99`. */
  readonly id: string;
  readonly title: string;
  /** Matchers of every series of this objective, for example `sloth_id="llm-pipeline-availability"`. */
  readonly selector: string;
  /** Share that must be good, for example 0.999. */
  readonly objective: number;
  readonly windowDays: number;
  /** Labels its series differ in. */
  readonly by: readonly string[];
  /** Series of the error ratio over each window, for example `slo:sli_error:ratio_rate1h`. */
  readonly errorRatio: Readonly<Record<string, string>>;
  /** Series of the share of the error budget that is left; below zero when overspent. */
  readonly budgetRemaining: string;
  /** Latency limits in seconds, by model; `default` is every other model. Absent for objectives without one. */
  readonly limits?: Readonly<Record<string, number>>;
}

/** A measured quantity. */
export interface CompiledMetric {
  /** Key in the declarative file, or one that is always recorded. */
  readonly id: string;
  readonly title: string;
  readonly unit: "ratio" | "USD" | "USD/h" | "tokens" | "1/min";
  /** Recorded series. */
  readonly series: string;
  readonly by: readonly string[];
  /** Value that must not be exceeded; absent where it is only tracked. */
  readonly limit?: number;
}

/** A drift detector. */
export interface CompiledDetector {
  /** Key under `drift.signals`. */
  readonly signal: string;
  readonly title: string;
  readonly detector: "ks" | "psi" | "cusum" | "page-hinkley";
  /** Recorded series of the statistic. */
  readonly series: string;
  readonly by: readonly string[];
  /** Value above which it fires. */
  readonly threshold: number;
  readonly alert: string;
}

/** An alert in short. */
export interface CompiledAlert {
  readonly name: string;
  readonly summary: string;
  readonly severity: AlertSeverity;
  readonly signal: AlertSignal;
  readonly event?: PipelineEvent;
  readonly action?: AlertAction;
  readonly runbookUrl: string;
}

/** What the declarative file becomes for one environment: rules to load, and what dashboards, reports and loops read. */
export interface CompiledPipeline {
  readonly name: string;
  readonly groups: readonly RuleGroup[];
  readonly objectives: readonly CompiledObjective[];
  readonly metrics: readonly CompiledMetric[];
  readonly detectors: readonly CompiledDetector[];
  readonly alerts: readonly CompiledAlert[];
}
