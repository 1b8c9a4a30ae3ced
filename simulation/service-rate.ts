import type { ReplicaParameters } from "../capacity/replica-model.ts";
import { simulate, type FleetResult, type Slo } from "./fleet.ts";
import type { ReplicaLimits } from "./replica.ts";
import { poissonTrace, type Trace } from "./trace.ts";

/** Requests of one trial: enough for a 99 % quantile, few enough for a second of work. */
const TRIAL_REQUESTS = 6_000;

/** Share of requests a replica must serve in time to be called able to. */
const OBJECTIVE = 0.99;

/** Rate the search begins with, requests per second. */
const LEAST_RATE = 0.05;

/** Halvings of the interval: the rate is found to 1 in 2^9. */
const HALVINGS = 9;

/** What one replica sustains. */
export interface ServiceRate {
  /** Random arrivals per second at which 99 of 100 requests are in time. */
  readonly requestsPerSecond: number;
  /** Mean requests in flight at that rate. */
  readonly concurrency: number;
  /** Mean time per token at that rate, ms. */
  readonly tokenMs: number;
}

/**
 * Highest rate of random arrivals, with the lengths of a trace, that one replica serves within the objective. Fleets do a
 * little better than that, because arrivals even out over replicas. Undefined when no rate is served in time.
 */
export function serviceRate(
  parameters: ReplicaParameters,
  limits: ReplicaLimits,
  slo: Slo,
  lengths: Trace,
): ServiceRate | undefined {
  const trial = (rate: number): FleetResult =>
    simulate({
      trace: poissonTrace(
        { name: "trial", windowSeconds: TRIAL_REQUESTS / rate, perSecond: [rate] },
        lengths,
        1,
      ),
      parameters,
      limits,
      slo,
      scaling: { kind: "static", replicas: 1 },
      names: { model: "trial", namespace: "trial", gatewayNamespace: "trial" },
      gpus: 1,
    });
  let low = 0;
  let high = LEAST_RATE;
  while (trial(high).attainment >= OBJECTIVE) [low, high] = [high, 2 * high];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (trial(middle).attainment >= OBJECTIVE) low = middle;
    else high = middle;
  }
  if (low === 0) return undefined;
  const full = trial(low);
  // Little's law.
  return { requestsPerSecond: low, concurrency: low * full.meanStaySeconds, tokenMs: full.meanTokenMs };
}
