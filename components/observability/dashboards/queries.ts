import { ATTEMPTED_CALLS, FAILED_CALLS } from "../../../monitoring/metrics.ts";

/** Share of calls that may fail under an objective, for example 0.001 of 0.999. */
export function errorBudget(objective: number): number {
  // Exact to six digits, so that nobody reads 0.0010000000000000009.
  return Number((1 - objective).toPrecision(6));
}

/** An objective in words, for example `99.9 %`. */
export function percent(objective: number): string {
  return `${Number((100 * objective).toPrecision(6))} %`;
}

const MODEL = 'model=~"$model"';
const CLIENT = 'client=~"$client"';

/** A selector with the given matchers. */
export function select(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${matchers.join(",")}}`;
}

/** Metrics of the gateway that carry client, model and endpoint, restricted to the chosen ones. */
export function ofCalls(metric: string, ...matchers: readonly string[]): string {
  return select(`llmops_gateway_${metric}`, MODEL, CLIENT, ...matchers);
}

/** Metrics of the gateway that carry the model only. */
export function ofModels(metric: string, ...matchers: readonly string[]): string {
  return select(`llmops_gateway_${metric}`, MODEL, ...matchers);
}

/** Metrics of an engine, restricted to the chosen models. */
export function ofEngines(metric: string, ...matchers: readonly string[]): string {
  return select(metric, 'model_name=~"$model"', ...matchers);
}

function by(labels: readonly string[]): string {
  return labels.length === 0 ? "" : ` by (${labels.join(", ")})`;
}

/** Sum of the rates of a counter over the panel's own step. */
export function rate(selector: string, ...labels: readonly string[]): string {
  return `sum${by(labels)} (rate(${selector}[$__rate_interval]))`;
}

/** Sum of the increases of a counter over the whole range shown. */
export function increase(selector: string, ...labels: readonly string[]): string {
  return `sum${by(labels)} (increase(${selector}[$__range]))`;
}

/** Quantile of a histogram over the panel's own step. */
export function quantile(share: number, buckets: string, ...labels: readonly string[]): string {
  return `histogram_quantile(${share}, sum by (${["le", ...labels].join(", ")}) (rate(${buckets}[$__rate_interval])))`;
}

/** Quantile of a histogram over the whole range shown. */
export function rangeQuantile(share: number, buckets: string, ...labels: readonly string[]): string {
  return `histogram_quantile(${share}, sum by (${["le", ...labels].join(", ")}) (rate(${buckets}[$__range])))`;
}

/** Zero where a counter has no series yet because nothing was counted; only beside a part that must exist. */
export function orZero(expression: string): string {
  return `(${expression} or vector(0))`;
}

/** Share of the calls the platform should have answered that it failed to answer, over a range. */
export function failedShare(range: string): string {
  return `${orZero(`sum(increase(${FAILED_CALLS}[${range}]))`)} / sum(increase(${ATTEMPTED_CALLS}[${range}]))`;
}

/** Share of the error budget of an objective that is left, over a range; below zero when it is overspent. */
export function budgetLeft(range: string, objective: number): string {
  return `1 - (${failedShare(range)}) / ${errorBudget(objective)}`;
}
