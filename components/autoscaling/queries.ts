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

/** How far ahead a decision must look: a replica's start of four minutes, the window, the scrape and the HPA's own period. */
const LEAD = "5m";

/** How long back the errors of looking ahead and the speed of engines are averaged, and how often they are taken. */
const HISTORY = "1h:1m";

/**
 * Standard errors of the load a lead time ahead that are kept as room, less the share of the load that replicas even out between
 * them, and the most of it as a share of the load.
 * @see docs/components/autoscaling.md
 */
const ROOM = { standardErrors: 2.5, evenedOut: 0.075, mostOfLoad: 0.125 } as const;

/** How much slower than measured engines may be before that counts, and the most that counts: figures further off are wrong otherwise. */
const SLOWDOWN = { forgiven: 0.05, most: 1.5 } as const;

function offeredLoad(scope: QueryScope, rates: TokenRates, offset: string): string {
  const kind = (name: "input" | "output", perSecond: number): string =>
    `sum(rate(${gatewaySum("llmops_gateway_offered_tokens_total", [`kind="${name}"`], scope)}[${RATE_WINDOW}]${offset})) / ${perSecond}`;
  return `(${kind("input", rates.inputTokensPerSecond)} + ${kind("output", rates.outputTokensPerSecond)})`;
}

/**
 * Adds room for what may come while a replica starts: standard errors of taking the load of now for that of a lead time ahead,
 * measured over the last hour, beyond what replicas even out between them, at most a share of the load. A fleet without history
 * gets that share, one without load nothing.
 */
function withRoom(load: string, scope: QueryScope, rates: TokenRates): string {
  const change = `${offeredLoad(scope, rates, "")} - ${offeredLoad(scope, rates, ` offset ${LEAD}`)}`;
  const error = `sqrt(avg_over_time(((${change}) ^ 2)[${HISTORY}]))`;
  const room = `clamp_min(${ROOM.standardErrors} * ${error} - ${ROOM.evenedOut} * ${load}, 0)`;
  const most = `${ROOM.mostOfLoad} * ${load}`;
  return `${load} + (clamp_max(${room}, scalar(${most})) or ${most})`;
}

/** Load that callers offer at the gateway, served or not, in replicas and with room, as one series; it follows arrivals, not answers. */
export function demandQuery(scope: QueryScope, rates: TokenRates): string {
  return withRoom(offeredLoad(scope, rates, ""), scope, rates);
}

/** A replica within its SLO when it is full, and alone with one request. */
export interface ReplicaSpeed {
  /** Requests in flight of a full replica. */
  readonly concurrency: number;
  /** Mean time per token of a full replica, ms. */
  readonly tokenMs: number;
  /** Mean time per token of a replica with a single request, ms. */
  readonly idleTokenMs: number;
}

function figure(value: number): string {
  return `${Number(value.toPrecision(4))}`;
}

/** Replicas of a model and requests in flight in all of them. */
interface Occupancy {
  readonly replicas: string;
  readonly inFlight: string;
}

/**
 * How many times slower than stated engines gave tokens, over the last hour and each token alike: by how much the time per token
 * beyond that of a single request was above what it is stated to be with as many in flight. One where nobody asked.
 */
function slowdown(
  latency: string,
  scope: QueryScope,
  { concurrency, tokenMs, idleTokenMs }: ReplicaSpeed,
  { replicas, inFlight }: Occupancy,
): string {
  const perSecond = (part: "sum" | "count"): string =>
    `sum(rate(${selector(`${latency}_${part}`, [], scope)}[${RATE_WINDOW}]))`;
  const tokens = perSecond("count");
  const seen = `avg_over_time((${perSecond("sum")} - ${figure(idleTokenMs / 1000)} * ${tokens})[${HISTORY}])`;
  const occupied = `avg_over_time((${tokens} * ${inFlight} / ${replicas})[${HISTORY}])`;
  const perRequest = figure((tokenMs - idleTokenMs) / 1000 / concurrency);
  const ratio = `${seen} / (${perRequest} * (${occupied} > 0)) - ${SLOWDOWN.forgiven}`;
  return `(clamp_max(clamp_min(${ratio}, 1), ${SLOWDOWN.most}) or vector(1))`;
}

/**
 * The same load as the engines show it, whatever rates were stated: by Little's law, where a step takes a fixed time and one for
 * each request in it, `n` replicas with `f` requests in flight do the work of `n f / (c (t0 / t) n + (1 - t0 / t) f)` full ones.
 * Where the engine says how long its tokens take, `c` is divided by how many times slower than stated they came.
 */
export function engineLoadQuery(
  gauges: EngineGauges,
  scope: QueryScope,
  speed: ReplicaSpeed & TokenRates,
): string {
  const { concurrency, tokenMs, idleTokenMs } = speed;
  const fixed = idleTokenMs / tokenMs;
  const replicas = `count(${selector(gauges.running, gauges.runningMatchers, scope)})`;
  const inFlight = `(${inFlightQuery(gauges, scope)})`;
  const stated = `${figure(fixed * concurrency)} * ${replicas}`;
  const full =
    gauges.tokenLatency === undefined || tokenMs === idleTokenMs
      ? stated
      : `${stated} / ${slowdown(gauges.tokenLatency, scope, speed, { replicas, inFlight })}`;
  const load = `(${replicas} * ${inFlight} / (${full} + ${figure(1 - fixed)} * ${inFlight}))`;
  return withRoom(load, scope, speed);
}
