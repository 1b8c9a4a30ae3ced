/** What an alert is about; the routes and the policy controls read it. */
export type AlertSignal = "audit" | "availability" | "latency" | "quality" | "drift" | "cost" | "oversight";

/** How soon a person must look; `serious_incident` starts the clocks of AI Act Art. 73. */
export type AlertSeverity = "warning" | "critical" | "serious_incident";

/** What a loop does about an alert. */
export type AlertAction = "throttle" | "rollback" | "retrain";

/** Events of the declarative file that start a loop. */
export type PipelineEvent = "drift_detected" | "quality_drop" | "cost_spike";

/** A recorded series. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An alert. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** Prometheus duration. */
  readonly for: string;
  readonly labels: {
    readonly severity: AlertSeverity;
    readonly signal: AlertSignal;
    /** Event of the declarative file it belongs to. */
    readonly event?: PipelineEvent;
    /** Loop that is started; absent where only people are told. */
    readonly action?: AlertAction;
    /** Objective whose error budget burns. */
    readonly slo?: string;
  };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

/** A group of rules evaluated together. */
export interface RuleGroup {
  readonly name: string;
  /** Prometheus duration between evaluations. @default that of Prometheus */
  readonly interval?: string;
  readonly rules: readonly (RecordingRule | AlertRule)[];
}

/** Whether a rule is an alert. */
export function isAlert(rule: RecordingRule | AlertRule): rule is AlertRule {
  return "alert" in rule;
}
