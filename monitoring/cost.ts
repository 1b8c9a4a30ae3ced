import type { CompiledMetric } from "./compiled.ts";
import { HOURS_PER_MONTH, type RuleEnvironment } from "./environment.ts";
import { shareOf } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import type { AlertRule, RecordingRule, RuleGroup } from "./rule.ts";
import { runbookUrl } from "./runbooks.ts";
import type { Pipeline } from "./schema.ts";

const PAID = `${METRICS.cost.name}{currency="USD"}`;
const COMPLETED = `${METRICS.requests.name}{result="completed"}`;
const HOURLY = "llmops:cost_usd:per_hour";

/** What providers were paid in the last hour, and the GPU nodes that run at their list price. */
function hourlyCost({ pools }: RuleEnvironment): string {
  const nodes = pools.map(
    ({ name, usdPerHour }) =>
      `(count(${METRICS.nodes.name}{label_llmops_io_gpu_pool="${name}"}) * ${usdPerHour} or vector(0))`,
  );
  return [`(sum(rate(${PAID}[1h])) * 3600 or vector(0))`, ...nodes].join(" + ");
}

function alert(
  { alerts, runbooks }: Pipeline,
  name: string,
  expr: string,
  wait: string,
  summary: string,
): AlertRule {
  const { action } = alerts.cost_spike;
  return {
    alert: name,
    expr,
    for: wait,
    labels: {
      severity: "warning",
      signal: "cost",
      event: "cost_spike",
      ...(action === "notify" ? {} : { action }),
    },
    annotations: { summary, runbook_url: runbookUrl(runbooks, "cost", name) },
  };
}

interface Tracked {
  readonly rule: RecordingRule;
  readonly metric: CompiledMetric;
}

function perRequest({ metrics }: Pipeline): Tracked[] {
  const by = (label: "model" | "client"): Tracked => {
    const series = `llmops:cost_usd_per_request:${label}_rate1h`;
    return {
      rule: {
        record: series,
        expr: `sum by (${label}) (rate(${PAID}[1h])) / (sum by (${label}) (rate(${COMPLETED}[1h])) > 0)`,
      },
      metric: {
        id: "cost_per_request",
        title: `Paid to providers per completed call, by ${label}`,
        unit: "USD",
        series,
        by: [label],
      },
    };
  };
  if (metrics.cost_per_request === undefined) return [];
  const all = "llmops:cost_usd_per_request:rate1h";
  return [
    by("model"),
    by("client"),
    {
      rule: { record: all, expr: `${HOURLY} / (sum(rate(${COMPLETED}[1h])) * 3600 > 0)` },
      metric: {
        id: "cost_per_request",
        title: "Providers and GPU nodes per completed call",
        unit: "USD",
        series: all,
        by: [],
      },
    },
  ];
}

function tokens({ metrics }: Pipeline): Tracked[] {
  if (metrics.tokens_per_request === undefined) return [];
  return (["input", "output"] as const).map((kind) => {
    const counter = kind === "input" ? METRICS.inputTokens.name : METRICS.outputTokens.name;
    const series = `llmops:${kind}_tokens_per_request:rate1h`;
    return {
      rule: {
        record: series,
        expr: `sum by (model) (rate(${counter}[1h])) / (sum by (model) (rate(${COMPLETED}[1h])) > 0)`,
      },
      metric: {
        id: "tokens_per_request",
        title: `${kind === "input" ? "Input" : "Output"} tokens per completed call`,
        unit: "tokens",
        series,
        by: ["model"],
      },
    };
  });
}

/** Rules about cost and tokens. */
export function costRules(
  pipeline: Pipeline,
  environment: RuleEnvironment,
): { groups: RuleGroup[]; metrics: CompiledMetric[] } {
  const { times, above } = pipeline.alerts.cost_spike;
  const perHour = Number((environment.budgetUsd / HOURS_PER_MONTH).toFixed(4));
  const floor = Number((perHour * shareOf(above)).toFixed(4));
  const tracked = [...perRequest(pipeline), ...tokens(pipeline)];
  return {
    groups: [
      {
        name: "llmops-cost",
        rules: [
          { record: HOURLY, expr: hourlyCost(environment) },
          ...tracked.map(({ rule }) => rule),
          alert(
            pipeline,
            "LlmopsCostOverBudget",
            `${HOURLY} > ${perHour}`,
            "1h",
            "At this rate the month costs more than its budget",
          ),
          alert(
            pipeline,
            "LlmopsCostSpike",
            `${HOURLY} > ${times} * avg_over_time(${HOURLY}[7d] offset 1h) and ${HOURLY} > ${floor}`,
            "30m",
            `An hour costs ${times} times the hours of the last week`,
          ),
        ],
      },
    ],
    metrics: [
      {
        id: "cost",
        title: "Cost of the hour",
        unit: "USD/h",
        series: HOURLY,
        by: [],
        limit: perHour,
      },
      ...tracked.map(({ metric }) => metric),
    ],
  };
}
