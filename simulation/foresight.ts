import type { FleetSetup } from "./experiment.ts";
import { simulate, START_SECONDS, type FleetResult } from "./fleet.ts";
import { stretch } from "./trace.ts";
import { leastReplicaHours } from "./work.ts";

/** Time the plan divides a trace into, seconds: that of the public rates, and longer than a start. */
const SLOT_SECONDS = 600;

/** Requests before a slot that fill its replicas, seconds. */
const WARM_UP_SECONDS = 60;

/** Share of late requests below which a slot is served. */
const NEGLIGIBLE = 0.0005;

/** Halvings in the search for the price of a late request. */
const HALVINGS = 30;

/** Share of lateness the plan is allowed less than asked for when its simulation misses, for what slots do to each other. */
const STRICTER = 0.9;

/** Attempts to find a plan whose simulation keeps the objective. */
const ATTEMPTS = 12;

/** Requests of a slot that are late with a number of replicas that runs through it. */
function lateIn(setup: FleetSetup, start: number, replicas: number): number {
  const from = Math.max(0, start - WARM_UP_SECONDS);
  const trace = stretch(setup.trace, from, start + SLOT_SECONDS);
  let late = 0;
  simulate({
    ...setup,
    trace,
    scaling: { kind: "static", replicas },
    judged: (request, isInTime) => {
      if (!isInTime && (trace.arrivals[request] ?? 0) >= start - from) late++;
    },
  });
  return late;
}

/** Late requests of every slot by number of replicas, from the fewest that may run. */
function lateness(setup: FleetSetup, least: number, most: number): number[][] {
  const end = setup.trace.arrivals.at(-1) ?? 0;
  return Array.from({ length: Math.ceil((end + 1) / SLOT_SECONDS) }, (_, slot) => {
    const start = slot * SLOT_SECONDS;
    const requests = stretch(setup.trace, start, start + SLOT_SECONDS);
    // Fewer than the work itself takes nobody would choose: all are late. Where next to nobody is, more replicas change nothing.
    const enough = Math.floor(
      (leastReplicaHours(setup.parameters, setup.limits, requests) * 3600) / SLOT_SECONDS,
    );
    let before = requests.arrivals.length;
    const negligible = before * NEGLIGIBLE;
    return Array.from({ length: most - least + 1 }, (_each, state) => {
      const replicas = least + state;
      if (replicas >= enough && before > negligible) before = lateIn(setup, start, replicas);
      return before;
    });
  });
}

/** Replicas of every slot that cost least when a start and a late request have a price in replica-seconds. */
function cheapestPath(
  late: readonly (readonly number[])[],
  startSeconds: number,
  lateSeconds: number,
): number[] {
  const states = late[0]?.length ?? 0;
  let costs: number[] = Array.from({ length: states }, () => 0);
  const from: number[][] = [];
  late.forEach((row, slot) => {
    const chosen: number[] = [];
    const next = row.map((count, state) => {
      let best = Infinity;
      costs.forEach((cost, before) => {
        const starts = slot === 0 ? 0 : Math.max(0, state - before) * startSeconds;
        if (cost + starts < best) [best, chosen[state]] = [cost + starts, before];
      });
      return best + lateSeconds * count;
    });
    from.push(chosen);
    // The least that may run costs the same on every path.
    costs = next.map((cost, state) => cost + state * SLOT_SECONDS);
  });
  let state = costs.indexOf(Math.min(...costs));
  const path: number[] = [];
  for (let slot = late.length - 1; slot >= 0; slot--) {
    path[slot] = state;
    state = from[slot]?.[state] ?? 0;
  }
  return path;
}

function lateOn(late: readonly (readonly number[])[], path: readonly number[]): number {
  return path.reduce((sum, state, slot) => sum + (late[slot]?.[state] ?? 0), 0);
}

/** The cheapest path on which at most so many requests are late. */
function cheapestWithin(late: readonly (readonly number[])[], startSeconds: number, most: number): number[] {
  // Between a price at which nobody is on time and one at which everybody is.
  let low = -12;
  let high = 12;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (lateOn(late, cheapestPath(late, startSeconds, 2 ** middle)) > most) low = middle;
    else high = middle;
  }
  return cheapestPath(late, startSeconds, 2 ** high);
}

/**
 * What a fleet costs whose replicas are planned with the whole trace known: in slots of ten minutes, with the same start time,
 * which is paid, and no limit on how many leave at once. A dynamic programme over the requests that are late in each slot by
 * number of replicas chooses the plan, and a simulation of the whole trace confirms it. The plan is reached, so the true least
 * is not above it; it is not proven to be the least.
 * @param objective share of requests in time
 * @throws RangeError when no plan with at most `most` replicas keeps the objective
 */
export function withForesight(
  setup: FleetSetup,
  limits: { readonly least: number; readonly most: number; readonly objective: number },
): FleetResult {
  const { least, most, objective } = limits;
  const startSeconds = setup.startSeconds ?? START_SECONDS;
  const late = lateness(setup, least, most);
  let allowed = (1 - objective) * setup.trace.arrivals.length;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const path = cheapestWithin(late, startSeconds, allowed).map((state) => state + least);
    const at = (seconds: number): number => path[Math.floor(seconds / SLOT_SECONDS)] ?? path.at(-1) ?? least;
    const result = simulate({
      ...setup,
      scaling: {
        kind: "planned",
        start: at(0),
        wanted: (seconds) => Math.max(at(seconds), at(seconds + startSeconds)),
      },
    });
    if (result.attainment >= objective) return result;
    allowed *= STRICTER;
  }
  throw new RangeError(`no plan with at most ${most} replicas serves ${100 * objective} % in time`);
}
