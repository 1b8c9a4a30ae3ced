import { GATEWAY_NAMESPACE } from "../gateway/address.ts";
import type { EngineGauges } from "../serving/engine-metrics.ts";

/** Pods of one model. */
export interface QueryScope {
  readonly namespace: string;
  readonly model: string;
}

function quoted(value: string): string {
  return JSON.stringify(value);
}

function selector(metric: string, matchers: readonly string[], scope: QueryScope): string {
  const all = [
    ...matchers,
    `namespace=${quoted(scope.namespace)}`,
    // Pods of a Deployment are called <name>-<replica set>-<suffix>.
    `pod=~${quoted(`${scope.model}-[a-z0-9]+-[a-z0-9]+`)}`,
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

function gatewaySum(metric: string, matchers: readonly string[], { model }: QueryScope): string {
  return [
    `${metric}{`,
    [...matchers, `namespace=${quoted(GATEWAY_NAMESPACE)}`, `model=${quoted(model)}`].join(","),
    "}",
  ].join("");
}

/** Calls the gateway holds for the first replica, over all its replicas, as one series. */
export function heldQuery(scope: QueryScope): string {
  return `sum(${gatewaySum("llmops_gateway_held_requests", [], scope)})`;
}

/** Output tokens per second that callers ask for, served or not, as one series; the rate follows arrivals, not answers. */
export function offeredQuery(scope: QueryScope): string {
  return `sum(rate(${gatewaySum("llmops_gateway_offered_tokens_total", ['kind="output"'], scope)}[1m]))`;
}
