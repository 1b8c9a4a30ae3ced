import type { IAnalysisTemplateSpec } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/AnalysisTemplateSpec";
import type { IMetric } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/Metric";
import { GATEWAY_NAMESPACE } from "../gateway/address.ts";
import { PROMETHEUS_URL } from "../observability/monitoring.ts";
import { engineGauges } from "../serving/engine-metrics.ts";
import type { Engine } from "../serving/engine.ts";
import { FAILURES_FORGIVEN, WATCH_DELAY_MINUTES } from "./strategy.ts";

/** What is watched of a new version. */
export interface WatchArgs {
  readonly model: string;
  readonly namespace: string;
  readonly engine: Engine;
  /** 95th percentile of the time to the first token, ms. */
  readonly ttftP95Ms: number;
}

/** Share of calls that may fail while a new version is watched: ten times the budget of a 99.9 % month. */
const MAX_ERROR_RATIO = 0.01;

/** Share of answers a guard may change, stop or send to a person. */
const MAX_INTERVENTION_RATIO = 0.05;

const WINDOW = `${WATCH_DELAY_MINUTES}m`;

/** One question about a new version and the most its answer may be. */
export interface WatchedMetric {
  readonly name: string;
  /** Returns one series, or none when nobody can say. */
  readonly query: string;
  readonly max: number;
}

function quoted(value: string): string {
  return JSON.stringify(value);
}

/** Time to the first token: of the new replicas alone where the engine measures it, else at the gateway. */
function ttftQuery({ model, namespace, engine }: WatchArgs): string {
  const histogram = engineGauges(engine)?.firstToken;
  const series =
    histogram === undefined
      ? `llmops_gateway_time_to_first_token_seconds_bucket{namespace=${quoted(GATEWAY_NAMESPACE)},model=${quoted(model)}}`
      : // Pods of a ReplicaSet are called <name>-<hash of the template>-<suffix>.
        `${histogram}_bucket{namespace=${quoted(namespace)},pod=~"${model}-{{args.hash}}-[a-z0-9]+"}`;
  return `histogram_quantile(0.95, sum by (le) (rate(${series}[${WINDOW}])))`;
}

function errorQuery({ model }: WatchArgs): string {
  const calls = (results: string): string =>
    `sum(rate(llmops_gateway_requests_total{namespace=${quoted(GATEWAY_NAMESPACE)},model=${quoted(model)},result${results}}[${WINDOW}]))`;
  const failed = calls('=~"failed|shed"');
  const attempted = calls('!~"denied|invalid|limited|blocked|review"');
  return `(${failed} or vector(0)) / ${attempted}`;
}

/** Verdicts have no model, so a fall of the whole gateway's quality stops every delivery. */
function qualityQuery(): string {
  const verdicts = (action: string): string =>
    `sum(rate(llmops_gateway_guard_verdicts_total{namespace=${quoted(GATEWAY_NAMESPACE)},side="output"${action}}[${WINDOW}]))`;
  return `(${verdicts(',action=~"block|redact|replace|review"')} or vector(0)) / ${verdicts("")}`;
}

/** What is asked about a new version while it serves. */
export function watchedMetrics(args: WatchArgs): WatchedMetric[] {
  return [
    { name: "errors", query: errorQuery(args), max: MAX_ERROR_RATIO },
    { name: "time-to-first-token", query: ttftQuery(args), max: args.ttftP95Ms / 1000 },
    { name: "quality", query: qualityQuery(), max: MAX_INTERVENTION_RATIO },
  ];
}

/** A metric as Argo measures it: no answer, two answers and NaN are failures. */
function measured({ name, query, max }: WatchedMetric, minutes: number): IMetric {
  return {
    name,
    initialDelay: WINDOW,
    interval: "1m",
    count: minutes,
    failureLimit: FAILURES_FORGIVEN,
    successCondition: `len(result) == 1 && !isNaN(result[0]) && result[0] <= ${max}`,
    provider: { prometheus: { address: PROMETHEUS_URL, query } },
  };
}

/**
 * Watches a new version for a number of minutes; the delivery is aborted when one metric fails twice.
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
 */
export function watchTemplate(args: WatchArgs, minutes: number): IAnalysisTemplateSpec {
  return {
    args: [{ name: "hash" }],
    metrics: watchedMetrics(args).map((metric) => measured(metric, minutes)),
  };
}
