import type { AlertRule, RecordingRule, RuleGroup } from "../../monitoring/rule.ts";
import type { EngineGauges } from "../serving/engine-metrics.ts";
import { runbookUrl } from "../../monitoring/runbooks.ts";

/** Nodes of one GPU pool. */
export interface AccountedPool {
  readonly name: string;
  /** List price of a node, USD/h. */
  readonly usdPerHour: string;
  /** GPUs a node offers to pods: more than it has where they are shared. */
  readonly gpusPerNode: number;
}

/** A model on own GPUs. */
export interface AccountedModel {
  readonly name: string;
  readonly namespace: string;
  readonly pool: string;
  /** Names clients call it by: its own and its adapters'. */
  readonly servedNames: readonly string[];
  /** Work of one output token in input tokens. */
  readonly outputWeight: number;
  /** Counters of the engine's prefix cache; absent where it has none that is confirmed. */
  readonly prefixCache?: EngineGauges["prefixCache"];
}

/** What the accounting of one environment depends on. */
export interface AccountingArgs {
  /** Budget of a month, USD. */
  readonly budgetUsd: number;
  readonly pools: readonly AccountedPool[];
  readonly models: readonly AccountedModel[];
  readonly clients: readonly { readonly id: string; readonly tenant: string }[];
  /** Address of the folder of runbooks. */
  readonly runbooks: string;
}

/** Work of one output token in input tokens while no capacity is known: providers commonly charge four to five times as much. */
export const DEFAULT_OUTPUT_WEIGHT = 4;

const HOURS_PER_MONTH = 730;

function quoted(value: string): string {
  return JSON.stringify(value);
}

/**
 * Mean of a value over the last hour, minutes without it counting as 0: the minutes are counted rather than assumed, because
 * Prometheus 2 and 3 do not agree whether both ends of a range belong to it.
 */
function hourOf(expr: string): string {
  return `sum_over_time((${expr})[1h:1m]) / scalar(count_over_time(vector(1)[1h:1m]))`;
}

function nodes({ name, usdPerHour }: AccountedPool): RecordingRule {
  return {
    record: "llmops:gpu_nodes_cost_usd:hour",
    expr: `(${hourOf(`count(kube_node_labels{label_llmops_io_gpu_pool=${quoted(name)}})`)}) * ${usdPerHour}`,
    labels: { pool: name },
  };
}

/** GPUs are taken from the moment a pod is on a node, also while it loads its weights. */
function gpuHours({ name, namespace, pool }: AccountedModel): RecordingRule {
  const pods = `kube_pod_container_resource_requests{resource="nvidia_com_gpu",node!="",namespace=${quoted(namespace)},pod=~${quoted(`${name}-[a-z0-9]+-[a-z0-9]+`)}}`;
  return {
    record: "llmops:gpu_hours:hour",
    expr: hourOf(`sum(${pods})`),
    labels: { model: name, namespace, pool },
  };
}

function modelCost({ name, usdPerHour, gpusPerNode }: AccountedPool): RecordingRule {
  return {
    record: "llmops:model_cost_usd:hour",
    expr: `llmops:gpu_hours:hour{pool=${quoted(name)}} * ${usdPerHour} / ${gpusPerNode}`,
  };
}

/** Share of the prompts' tokens that the engine found in its prefix cache and did not work on again. */
function prefixCacheHits({ name, namespace, prefixCache }: AccountedModel): RecordingRule[] {
  if (prefixCache === undefined) return [];
  const tokens = (counter: string): string =>
    `sum(increase(${counter}{namespace=${quoted(namespace)},pod=~${quoted(`${name}-[a-z0-9]+-[a-z0-9]+`)}}[1h]))`;
  return [
    {
      record: "llmops:prefix_cache_hit_ratio:hour",
      expr: `${tokens(prefixCache.hits)} / (${tokens(prefixCache.queries)} > 0)`,
      labels: { model: name, namespace },
    },
  ];
}

function clientWork({
  name,
  namespace,
  servedNames,
  outputWeight,
  prefixCache,
}: AccountedModel): RecordingRule {
  const tokens = (kind: "input" | "output"): string =>
    `sum by (client) (increase(llmops_gateway_${kind}_tokens_total{model=~${quoted(servedNames.join("|"))}}[1h]))`;
  return {
    record: "llmops:client_work:hour",
    // The engine does not say whose prompts it found, so every client of the model has the same share.
    expr:
      prefixCache === undefined
        ? `${tokens("input")} + ${outputWeight} * ${tokens("output")}`
        : `${tokens("input")} * scalar(1 - (sum(llmops:prefix_cache_hit_ratio:hour{model=${quoted(name)},namespace=${quoted(namespace)}}) or vector(0))) + ${outputWeight} * ${tokens("output")}`,
    labels: { model: name },
  };
}

/** Adds the tenant of the client; a client nobody knows keeps its cost, without a tenant. */
function withTenant(expr: string): string {
  return `((${expr}) * on(client) group_left(tenant) llmops:client:info) or ((${expr}) unless on(client) llmops:client:info)`;
}

function hours({ pools, models, clients }: AccountingArgs): RuleGroup {
  return {
    name: "llmops-cost-hours",
    rules: [
      { record: "llmops:cost_observed:hour", expr: hourOf("count(kube_node_labels) > bool 0") },
      ...clients.map(({ id, tenant }): RecordingRule => ({
        record: "llmops:client:info",
        expr: "vector(1)",
        labels: { client: id, tenant },
      })),
      {
        record: "llmops:provider_cost_usd:hour",
        expr: 'sum by (client, model) (increase(llmops_gateway_cost_total{currency="USD"}[1h]))',
      },
      ...pools.map(nodes),
      ...models.map(gpuHours),
      ...pools.map(modelCost),
      ...models.flatMap(prefixCacheHits),
      ...models.map(clientWork),
      {
        record: "llmops:client_cost_usd:hour",
        expr: withTenant(
          "(llmops:client_work:hour > 0) / on(model) group_left() sum by (model) (llmops:client_work:hour) * on(model) group_left() sum by (model) (llmops:model_cost_usd:hour)",
        ),
        labels: { source: "gpu" },
      },
      {
        record: "llmops:client_cost_usd:hour",
        expr: withTenant("llmops:provider_cost_usd:hour > 0"),
        labels: { source: "provider" },
      },
      {
        record: "llmops:cost_usd:hour",
        expr: "sum(llmops:gpu_nodes_cost_usd:hour) or 0 * (llmops:cost_observed:hour > 0)",
        labels: { source: "gpu" },
      },
      {
        record: "llmops:cost_usd:hour",
        expr: "sum(llmops:provider_cost_usd:hour) or 0 * (llmops:cost_observed:hour > 0)",
        labels: { source: "provider" },
      },
      {
        record: "llmops:unattributed_cost_usd:hour",
        expr: "sum(llmops:cost_usd:hour) - (sum(llmops:client_cost_usd:hour) or vector(0))",
      },
      {
        // The middle of the hour decides which month the hour belongs to.
        record: "llmops:cost_usd:hour_by_month",
        expr: 'count_values("month", month(vector(time() - 1800))) * on() group_left() sum(llmops:cost_usd:hour)',
      },
    ],
  };
}

function monthToDate(record: string, fold: "sum_over_time" | "count_over_time"): RecordingRule {
  return {
    record,
    expr: `sum without (month) (${fold}(llmops:cost_usd:hour_by_month[31d:1h]) and on(month) count_values("month", month(vector(time() - 1800))))`,
  };
}

/** What an alert asks of whoever reads it. */
type Answer = "tell" | "throttle";

function alert(
  { runbooks }: AccountingArgs,
  name: string,
  expr: string,
  wait: string,
  severity: "warning" | "critical",
  answer: Answer,
  summary: string,
): AlertRule {
  return {
    alert: name,
    expr,
    for: wait,
    labels: {
      severity,
      signal: "cost",
      ...(answer === "throttle" ? { event: "cost_spike", action: "throttle" } : {}),
    },
    annotations: { summary, runbook_url: runbookUrl(runbooks, "budget", name) },
  };
}

const COST = "sum(llmops:cost_usd:hour)";
const BY_CLIENT = "sum by (client) (llmops:client_cost_usd:hour)";

function month(args: AccountingArgs): RuleGroup {
  const { budgetUsd } = args;
  const perHour = Number((budgetUsd / HOURS_PER_MONTH).toFixed(4));
  const small = Number((perHour * 0.05).toFixed(4));
  const forecast = "llmops:cost_usd:month_forecast";
  const spent = "llmops:cost_usd:month_to_date";
  const burns = (window: string, factor: number): string =>
    `avg_over_time(${COST}[${window}:5m]) > ${factor * perHour} and ${COST} > ${factor * perHour}`;
  return {
    name: "llmops-cost-month",
    interval: "5m",
    rules: [
      monthToDate(spent, "sum_over_time"),
      monthToDate("llmops:cost_hours:month_to_date", "count_over_time"),
      {
        record: "llmops:month:hours_left",
        expr: "(days_in_month() - day_of_month() + 1) * 24 - hour() - minute() / 60",
      },
      // A week of hours weighs nights and weekends as they come.
      { record: forecast, expr: `${spent} + llmops:month:hours_left * avg_over_time(${COST}[7d:1h])` },
      alert(
        args,
        "LlmopsBudgetForecastExceeded",
        `${forecast} > ${budgetUsd} and llmops:cost_hours:month_to_date >= 24`,
        "1h",
        "warning",
        "tell",
        "As the last week went, the month will cost more than its budget",
      ),
      alert(
        args,
        "LlmopsBudgetNearlySpent",
        `${spent} > ${0.8 * budgetUsd}`,
        "0m",
        "warning",
        "tell",
        "Four fifths of the month's budget are spent",
      ),
      alert(
        args,
        "LlmopsBudgetSpent",
        `${spent} > ${budgetUsd}`,
        "0m",
        "critical",
        "throttle",
        "The month's budget is spent",
      ),
      alert(
        args,
        "LlmopsBudgetFastBurn",
        burns("1h", 6),
        "5m",
        "critical",
        "throttle",
        "At this rate the month's budget lasts five days",
      ),
      alert(
        args,
        "LlmopsBudgetSlowBurn",
        burns("6h", 3),
        "15m",
        "warning",
        "throttle",
        "At this rate the month's budget lasts ten days",
      ),
      alert(
        args,
        "LlmopsCostAnomaly",
        // Without an hour of last week the mean of the week decides alone.
        `(${COST} > ${4 * small} and ${COST} > 3 * avg_over_time(${COST}[7d:1h] offset 1h)) unless (${COST} <= 3 * ${COST.replace("hour)", "hour offset 1w)")})`,
        "15m",
        "warning",
        "throttle",
        "An hour costs three times the last week's mean and three times the same hour of last week",
      ),
      alert(
        args,
        "LlmopsClientCostAnomaly",
        `${BY_CLIENT} > ${small} and ${BY_CLIENT} > 3 * avg_over_time(${BY_CLIENT}[7d:1h] offset 1h)`,
        "30m",
        "warning",
        "tell",
        "A client costs three times what it cost in the last week",
      ),
      alert(
        args,
        "LlmopsCostUnattributed",
        `avg_over_time(llmops:unattributed_cost_usd:hour[6h:5m]) > 0.5 * avg_over_time(${COST}[6h:5m]) and ${COST} > ${small}`,
        "1h",
        "warning",
        "tell",
        "More than half of the cost belongs to no client: GPUs wait for work",
      ),
      alert(
        args,
        "LlmopsCostHistoryGap",
        "sum_over_time(llmops:cost_observed:hour[1d:1h]) < 23",
        "1h",
        "warning",
        "tell",
        "More than an hour of the last day was not measured, so the month's cost is too low",
      ),
    ],
  };
}

/** Hours of cost by client, tenant, model and source, the month so far with its forecast, and alerts about both. */
export function accountingRules(args: AccountingArgs): RuleGroup[] {
  return [hours(args), month(args)];
}
