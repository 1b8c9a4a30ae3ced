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
