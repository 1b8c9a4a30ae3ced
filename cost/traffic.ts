import { isRates, readRates, readRequests, TraceError, type Trace } from "../simulation/trace.ts";
import { HOURS_PER_MONTH } from "../pricing/price.ts";

/** Mean request, where a traffic profile holds rates only. */
export interface MeanRequest {
  /** Prompt tokens. */
  readonly inputTokens: number;
  /** Generated tokens. */
  readonly outputTokens: number;
}

/** What arrives in one window. */
export interface Window {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Requests over time, in equal windows. */
export interface Traffic {
  readonly name: string;
  readonly windowSeconds: number;
  readonly windows: readonly Window[];
  /** Requests with their own lengths; absent where only rates are known. */
  readonly requests?: Trace;
}

/** A traffic that cannot be turned into replicas. */
export class TrafficError extends Error {
  override readonly name = "TrafficError";
}

/** Window that requests of a trace are counted in, seconds: about what a new replica takes to start, so that peaks count. */
const WINDOW_SECONDS = 300;

const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600;

/**
 * Reads a trace of requests (TIMESTAMP,ContextTokens,GeneratedTokens) or a traffic profile (window_start_s,requests_per_s).
 * @param mean tokens of a request of a profile, which has none of its own
 * @throws TraceError naming the file, the line and the column
 */
export function readTraffic(file: string, mean: MeanRequest): Traffic {
  if (isRates(file)) {
    const { windowSeconds, perSecond } = readRates(file);
    return {
      name: file,
      windowSeconds,
      windows: perSecond.map((rate) => {
        const requests = rate * windowSeconds;
        return {
          requests,
          inputTokens: requests * mean.inputTokens,
          outputTokens: requests * mean.outputTokens,
        };
      }),
    };
  }
  const requests = readRequests(file);
  const last = requests.arrivals.at(-1);
  if (last === undefined) throw new TraceError(`${file}: holds no request`);
  return { ...trafficOfRequests(requests, last), name: file };
}

/**
 * Counts requests in windows.
 * @param seconds time they were collected in
 */
export function trafficOfRequests(requests: Trace, seconds: number): Traffic {
  const { name, arrivals, inputTokens, outputTokens } = requests;
  // Only whole windows: the last one would look quieter than it was. A shorter trace is one window of its own length.
  const whole = Math.floor(seconds / WINDOW_SECONDS);
  const windowSeconds = whole === 0 ? Math.max(1, seconds) : WINDOW_SECONDS;
  const windows = Array.from({ length: Math.max(1, whole) }, () => ({
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
  }));
  arrivals.forEach((at, index) => {
    const window = windows[whole === 0 ? 0 : Math.floor(at / WINDOW_SECONDS)];
    if (window === undefined) return;
    window.requests++;
    window.inputTokens += inputTokens[index] ?? 0;
    window.outputTokens += outputTokens[index] ?? 0;
  });
  return { name, windowSeconds, windows, requests };
}

/** Requests and tokens of a month like this. */
export function monthOf({ windowSeconds, windows }: Traffic): Window {
  const scale = SECONDS_PER_MONTH / (windowSeconds * windows.length);
  const sum = (pick: (window: Window) => number): number =>
    scale * windows.reduce((total, window) => total + pick(window), 0);
  return {
    requests: sum(({ requests }) => requests),
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
  };
}

/** Multiplies every window. */
export function scaledBy(traffic: Traffic, factor: number): Traffic {
  return {
    ...traffic,
    windows: traffic.windows.map(({ requests, inputTokens, outputTokens }) => ({
      requests: requests * factor,
      inputTokens: inputTokens * factor,
      outputTokens: outputTokens * factor,
    })),
  };
}

/** Tokens per second that fill one replica alone. */
export interface TokenCapacity {
  readonly inputTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
}

/** Replicas a scaler may choose from. */
export interface ReplicaBounds {
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** What a traffic takes of replicas. */
export interface Demand {
  /** Replicas of each window. */
  readonly replicas: readonly number[];
  readonly meanReplicas: number;
  /** Share of the replicas' capacity that is used, 0 to 1. */
  readonly utilisation: number;
  /** Share of the windows that need more than the most replicas. */
  readonly overload: number;
  /** Share of the offered tokens that the replicas can serve; the rest waits or is refused. */
  readonly served: number;
}

/** Share of a replica that the scaler fills: the trigger of the ScaledObject, docs/components/autoscaling.md. */
const TARGET_UTILISATION = 0.9;

/** Replicas that follow the offered tokens, within the bounds; scaling delays are not modelled, `llmops simulate` does that. */
export function demandOf(
  { windowSeconds, windows }: Traffic,
  capacity: TokenCapacity,
  { minReplicas, maxReplicas }: ReplicaBounds,
): Demand {
  const loads = windows.map(
    ({ inputTokens, outputTokens }) =>
      inputTokens / windowSeconds / capacity.inputTokensPerSecond +
      outputTokens / windowSeconds / capacity.outputTokensPerSecond,
  );
  const wanted = loads.map((load) => Math.ceil(load / TARGET_UTILISATION));
  const replicas = wanted.map((count) => Math.min(maxReplicas, Math.max(minReplicas, count)));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const served = sum(loads.map((load, index) => Math.min(load, replicas[index] ?? 0)));
  const offered = sum(loads);
  return {
    replicas,
    meanReplicas: sum(replicas) / replicas.length,
    utilisation: sum(replicas) === 0 ? 0 : served / sum(replicas),
    overload: wanted.filter((count) => count > maxReplicas).length / wanted.length,
    served: offered === 0 ? 1 : served / offered,
  };
}
