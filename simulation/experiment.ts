import { simulate, type FleetNames, type FleetOptions, type FleetResult } from "./fleet.ts";
import { PEER_DEFAULTS } from "./peers.ts";
import { compileScaledObject } from "./scaled-object.ts";
import { stretch } from "./trace.ts";
import { leastReplicaHours } from "./work.ts";

/** A fleet without its scaling. */
export type FleetSetup = Omit<FleetOptions, "scaling">;

/** Share of requests that the static fleet everything is compared with serves in time. */
export const STATIC_OBJECTIVE = 0.99;

/** Most replicas of any scaler, as a multiple of the static fleet. */
const HEADROOM = 1.5;

/** Most replicas of a scaler beside a static fleet. */
export function ceilingOf({ replicas }: StaticFleet, minReplicas: number): number {
  return Math.max(minReplicas, Math.ceil(HEADROOM * replicas));
}

/** The smallest fleet of constant size that reaches the objective. */
export interface StaticFleet {
  readonly replicas: number;
  readonly result: FleetResult;
}

/** Ten minutes, over which a fleet must do the work that comes, seconds. */
const BUSY_SECONDS = 600;

/** Replicas that the work of the busiest ten minutes takes: where a search for a static fleet begins. */
function busiest({ parameters, limits, trace }: FleetSetup): number {
  const end = trace.arrivals.at(-1) ?? 0;
  const hours = Array.from({ length: Math.ceil((end + 1) / BUSY_SECONDS) }, (_, index) =>
    leastReplicaHours(parameters, limits, stretch(trace, index * BUSY_SECONDS, (index + 1) * BUSY_SECONDS)),
  );
  return Math.max(1, Math.ceil((Math.max(...hours) * 3600) / BUSY_SECONDS));
}

/** Searches the smallest static fleet from the work there is, by halving; more replicas never serve fewer requests in time. */
export function smallestStatic(setup: FleetSetup): StaticFleet {
  const at = (replicas: number): FleetResult =>
    simulate({ ...setup, scaling: { kind: "static", replicas }, atLeast: STATIC_OBJECTIVE });
  let low = 0;
  let high = busiest(setup);
  let best = at(high);
  while (best.attainment < STATIC_OBJECTIVE) {
    low = high;
    high += Math.ceil(high / 8);
    best = at(high);
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const result = at(middle);
    if (result.attainment >= STATIC_OBJECTIVE) [high, best] = [middle, result];
    else low = middle;
  }
  return { replicas: high, result: best };
}

/** Runs the `spec` of a ScaledObject with limits that fit the trace instead of its own. */
export function runScaledObject(
  setup: FleetSetup,
  spec: object,
  reference: StaticFleet,
  minReplicas: number,
): FleetResult {
  return simulate({
    ...setup,
    scaling: {
      kind: "scaled-object",
      start: Math.max(minReplicas, reference.replicas),
      spec: compileScaledObject({
        ...spec,
        minReplicaCount: minReplicas,
        maxReplicaCount: ceilingOf(reference, minReplicas),
      }),
    },
  });
}

/** Results of the defaults of other projects, by their name. */
export function runPeers(
  setup: FleetSetup,
  reference: StaticFleet,
  minReplicas: number,
): [string, FleetResult][] {
  return PEER_DEFAULTS.map(({ name, spec }) => [
    name,
    runScaledObject(setup, spec(setup.names), reference, minReplicas),
  ]);
}

/** Share of requests that a scaler with the right floor serves in time. */
export const FLOOR_OBJECTIVE = 0.995;

/** A floor and what the scaler does with it. */
export interface Floor {
  readonly minReplicas: number;
  readonly result: FleetResult;
}

/**
 * Fewest replicas that must always run because bursts come faster than a replica starts: the smallest floor with which the
 * scaler serves 995 of 1,000 requests in time, at most the static fleet's size.
 */
export function burstFloor(setup: FleetSetup, spec: object, reference: StaticFleet, least: number): Floor {
  const at = (minReplicas: number): Floor => ({
    minReplicas,
    result: runScaledObject(setup, spec, reference, minReplicas),
  });
  let best = at(least);
  if (best.result.attainment >= FLOOR_OBJECTIVE) return best;
  let low = least;
  best = at(Math.max(least, reference.replicas));
  while (best.minReplicas - low > 1) {
    const middle = at(Math.floor((low + best.minReplicas) / 2));
    if (middle.result.attainment >= FLOOR_OBJECTIVE) best = middle;
    else low = middle.minReplicas;
  }
  return best;
}

/** Labels of a model's series in the simulated Prometheus. */
export function fleetNames(model: string, namespace: string): FleetNames {
  return { model, namespace, gatewayNamespace: "llm-gateway" };
}
