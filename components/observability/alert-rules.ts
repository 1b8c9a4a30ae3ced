/** What an alert is about; the route and the policy controls read it. */
export type AlertSignal = "audit" | "availability" | "quality" | "drift" | "cost" | "oversight";

/** How soon a person must look; `serious_incident` starts the clocks of AI Act Art. 73. */
export type AlertSeverity = "warning" | "critical" | "serious_incident";

/** What a loop may do about it. */
export type AlertAction = "throttle" | "rollback" | "retrain";

/** A recorded series. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
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
    readonly action?: AlertAction;
  };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

/** A group of rules evaluated together. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly (RecordingRule | AlertRule)[];
}

/** What the rules of one environment depend on. */
export interface PlatformRuleArgs {
  /** Budget of a month, USD. */
  readonly budgetUsd: number;
  /** GPU pools with the price of a node, USD/h. */
  readonly pools: readonly { readonly name: string; readonly usdPerHour: string }[];
}

/** Share of requests that may fail: 99.9 % availability. */
export const ERROR_BUDGET = 0.001;

/** Calls the platform failed to answer; what a guard, a limit or a caller's own mistake refused is not among them. */
export const FAILED_CALLS = 'llmops_gateway_requests_total{result=~"failed|shed"}';
/** Calls the platform should have answered. */
export const ATTEMPTED_CALLS =
  'llmops_gateway_requests_total{result!~"denied|invalid|limited|blocked|review"}';
const INTERVENTION =
  'llmops_gateway_guard_verdicts_total{side="output",action=~"block|redact|replace|review"}';
const OUTPUT_VERDICT = 'llmops_gateway_guard_verdicts_total{side="output"}';
/** Hours a monthly budget is spread over. */
export const HOURS_PER_MONTH = 730;

function errorRatio(window: string): RecordingRule {
  return {
    record: `llmops:request_errors:ratio_rate${window}`,
    expr: `sum(rate(${FAILED_CALLS}[${window}])) / sum(rate(${ATTEMPTED_CALLS}[${window}]))`,
  };
}

/**
 * Burn rate over two windows: the short one ends the alert soon after the errors end.
 * @see https://sre.google/workbook/alerting-on-slos/
 */
function burn(name: string, long: string, short: string, factor: number, severity: AlertSeverity): AlertRule {
  const limit = factor * ERROR_BUDGET;
  const above = (window: string): string => `llmops:request_errors:ratio_rate${window} > ${limit}`;
  return {
    alert: name,
    expr: `(${above(long)}) and (${above(short)})`,
    for: "2m",
    labels: { severity, signal: "availability" },
    annotations: {
      summary: `Requests fail ${factor} times as fast as a 99.9 % month allows`,
      runbook: "docs/runbooks/availability.md",
    },
  };
}

function audit(
  alert: string,
  expr: string,
  wait: string,
  severity: AlertSeverity,
  summary: string,
): AlertRule {
  return {
    alert,
    expr,
    for: wait,
    labels: { severity, signal: "audit" },
    annotations: { summary, runbook: "docs/runbooks/audit-log.md" },
  };
}

/** Hourly cost: what providers were paid in the last hour, and the GPU nodes that run at their list price. */
function hourlyCost({ pools }: PlatformRuleArgs): string {
  const nodes = pools.map(
    ({ name, usdPerHour }) =>
      `(count(kube_node_labels{label_llmops_io_gpu_pool="${name}"}) * ${usdPerHour} or vector(0))`,
  );
  return ['(sum(rate(llmops_gateway_cost_total{currency="USD"}[1h])) * 3600 or vector(0))', ...nodes].join(
    " + ",
  );
}

function cost(alert: string, expr: string, wait: string, summary: string): AlertRule {
  return {
    alert,
    expr,
    for: wait,
    labels: { severity: "warning", signal: "cost", action: "throttle" },
    annotations: { summary, runbook: "docs/runbooks/cost.md" },
  };
}

/** Recording rules and alerts of one environment. */
export function platformRules(args: PlatformRuleArgs): RuleGroup[] {
  const budgetPerHour = (args.budgetUsd / HOURS_PER_MONTH).toFixed(4);
  return [
    {
      name: "llmops-audit",
      rules: [
        audit(
          "LlmopsAuditNotReady",
          "min(llmops_gateway_audit_ready) == 0",
          "1m",
          "critical",
          "A gateway cannot record calls and refuses them",
        ),
        audit(
          "LlmopsAuditShipFailing",
          "max(llmops_gateway_audit_ship_failing) == 1",
          "15m",
          "critical",
          "The audit store refuses sealed segments",
        ),
        audit(
          "LlmopsAuditBacklog",
          "max(llmops_gateway_audit_unshipped_segments) > 20",
          "15m",
          "warning",
          "Sealed segments wait on the gateway's volume",
        ),
        audit(
          "LlmopsGatewayAbsent",
          "absent(llmops_gateway_audit_ready)",
          "5m",
          "critical",
          "No gateway reports; nobody can say whether calls are recorded",
        ),
      ],
    },
    {
      name: "llmops-oversight",
      rules: [
        {
          alert: "LlmopsStopped",
          expr: "max(llmops_gateway_stops_in_force) > 0",
          for: "0m",
          labels: { severity: "serious_incident", signal: "oversight" },
          annotations: {
            summary: "A person has stopped a model",
            runbook: "docs/runbooks/serious-incident.md",
          },
        },
      ],
    },
    {
      name: "llmops-availability",
      rules: [
        ...["5m", "30m", "1h", "6h"].map(errorRatio),
        burn("LlmopsErrorBudgetFastBurn", "1h", "5m", 14.4, "critical"),
        burn("LlmopsErrorBudgetSlowBurn", "6h", "30m", 6, "warning"),
      ],
    },
    {
      name: "llmops-quality",
      rules: [
        {
          record: "llmops:output_interventions:ratio_rate1h",
          expr: `sum(rate(${INTERVENTION}[1h])) / sum(rate(${OUTPUT_VERDICT}[1h]))`,
        },
        {
          alert: "LlmopsQualityDrop",
          expr: [
            "llmops:output_interventions:ratio_rate1h > 0.01",
            "llmops:output_interventions:ratio_rate1h > 3 * avg_over_time(llmops:output_interventions:ratio_rate1h[7d] offset 1h)",
            `sum(increase(${OUTPUT_VERDICT}[1h])) > 50`,
          ].join(" and on() "),
          for: "15m",
          labels: { severity: "warning", signal: "quality", action: "rollback" },
          annotations: {
            summary: "Guards intervene in answers three times as often as in the last week",
            runbook: "docs/runbooks/quality.md",
          },
        },
        {
          record: "llmops:output_tokens_per_request:rate1h",
          expr: 'sum by (model) (rate(llmops_gateway_output_tokens_total[1h])) / sum by (model) (rate(llmops_gateway_requests_total{result="completed"}[1h]) > 0)',
        },
        {
          alert: "LlmopsOutputLengthDrift",
          expr: [
            "abs(llmops:output_tokens_per_request:rate1h - avg_over_time(llmops:output_tokens_per_request:rate1h[7d] offset 1h)) > 4 * stddev_over_time(llmops:output_tokens_per_request:rate1h[7d] offset 1h)",
            'sum by (model) (increase(llmops_gateway_requests_total{result="completed"}[1h])) > 100',
          ].join(" and on(model) "),
          for: "1h",
          labels: { severity: "warning", signal: "drift", action: "retrain" },
          annotations: {
            summary:
              "Answers of a model are four standard deviations longer or shorter than in the last week",
            runbook: "docs/runbooks/drift.md",
          },
        },
      ],
    },
    {
      name: "llmops-cost",
      rules: [
        { record: "llmops:cost_usd:per_hour", expr: hourlyCost(args) },
        cost(
          "LlmopsCostOverBudget",
          `llmops:cost_usd:per_hour > ${budgetPerHour}`,
          "1h",
          "At this rate the month costs more than its budget",
        ),
        cost(
          "LlmopsCostSpike",
          `llmops:cost_usd:per_hour > 3 * avg_over_time(llmops:cost_usd:per_hour[7d] offset 1h) and llmops:cost_usd:per_hour > ${budgetPerHour} * 0.1`,
          "30m",
          "An hour costs three times the hours of the last week",
        ),
      ],
    },
  ];
}
