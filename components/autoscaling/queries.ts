import { GATEWAY_NAMESPACE } from "../gateway/address.ts";
import type { EngineGauges } from "../serving/engine-metrics.ts";

/** Pods of one model. */
export interface QueryScope {
  readonly namespace: string;
  readonly model: string;
  /** How the pods that answer are called: `<name>-<hash>-<suffix>`, or `<name>-<group>` where a replica is a group. @default "replica-set" */
  readonly pods?: "replica-set" | "group-leader";
  /** Names of adapters that the model's replicas serve as well. @default none */
  readonly adapters?: readonly string[];
}

function quoted(value: string): string {
  return JSON.stringify(value);
}

function selector(metric: string, matchers: readonly string[], scope: QueryScope): string {
  const all = [
    ...matchers,
    `namespace=${quoted(scope.namespace)}`,
    `pod=~${quoted(`${scope.model}-${scope.pods === "group-leader" ? "[0-9]+" : "[a-z0-9]+-[a-z0-9]+"}`)}`,
  ];
  return `${metric}{${all.join(",")}}`;
}

/** Waiting requests of all replicas: exactly one series however many replicas there are, none when there are none. */
export function waitingQuery(gauges: EngineGauges, scope: QueryScope): string {
  return `sum(${selector(gauges.waiting, gauges.waitingMatchers, scope)})`;
}

/** Waiting and running requests of all replicas, as one series. */
export function inFlightQuery(gauges: EngineGauges, scope: QueryScope): string {
  return `sum(${selector(gauges.running, gauges.runningMatchers, scope)}) + ${waitingQuery(gauges, scope)}`;
}

function gatewaySum(
  metric: string,
  matchers: readonly string[],
  { model, adapters = [] }: QueryScope,
): string {
  return [
    `${metric}{`,
    [
      ...matchers,
      `namespace=${quoted(GATEWAY_NAMESPACE)}`,
      adapters.length === 0 ? `model=${quoted(model)}` : `model=~${quoted([model, ...adapters].join("|"))}`,
    ].join(","),
    "}",
  ].join("");
}

/** Calls the gateway holds for the first replica, over all its replicas, as one series. */
export function heldQuery(scope: QueryScope): string {
  return `sum(${gatewaySum("llmops_gateway_held_requests", [], scope)})`;
}

/**
 * A query of engines that is zero while the model sleeps: no gateway knows a replica. Where replicas are known and their series
 * are missing it stays empty, which the scaler takes for a failure.
 */
export function orAsleep(query: string, { model }: QueryScope): string {
  const known = `llmops_gateway_upstream_replicas{namespace=${quoted(GATEWAY_NAMESPACE)},upstream=${quoted(model)}}`;
  return `${query} or sum(${known}) == 0`;
}

/** Tokens per second that fill one replica when nothing else comes. */
export interface TokenRates {
  readonly inputTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
}

/** Window of every rate: three scrapes of 5 s suffice, a minute evens out single requests. */
const RATE_WINDOW = "1m";

/** Load that callers offer at the gateway, served or not, in replicas, as one series; it follows arrivals, not answers. */
export function demandQuery(scope: QueryScope, rates: TokenRates): string {
  const kind = (name: "input" | "output", perSecond: number): string =>
    `sum(rate(${gatewaySum("llmops_gateway_offered_tokens_total", [`kind="${name}"`], scope)}[${RATE_WINDOW}])) / ${perSecond}`;
  return `${kind("input", rates.inputTokensPerSecond)} + ${kind("output", rates.outputTokensPerSecond)}`;
}

/**
 * Replicas that would bring the time per token back to that of a full replica, as one series: corrects a capacity that was
 * measured too high. Zero while nothing is generated.
 */
export function latencyQuery(
  { running, runningMatchers }: EngineGauges,
  tokenLatency: string,
  scope: QueryScope,
  fullSeconds: number,
): string {
  const rate = (part: "sum" | "count"): string =>
    `sum(rate(${selector(`${tokenLatency}_${part}`, [], scope)}[${RATE_WINDOW}]))`;
  return `count(${selector(running, runningMatchers, scope)}) * ${rate("sum")} / clamp_min(${rate("count")}, 1e-9) / ${fullSeconds}`;
}
