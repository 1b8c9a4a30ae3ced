import { asked, cacheMisses, routed } from "../../simulation/repeats.ts";
import type { SpotLadder } from "../../simulation/fleet.ts";
import type { Trace } from "../../simulation/trace.ts";
import { replay, type FleetOutcome, type FleetPlan } from "./fleets.ts";
import { LARGE, LARGE_QUANTISED, SMALL } from "./sizes.ts";

/** Everything the platform offers to spend less on the same requests. */
export const LEVERS = [
  "autoscaling",
  "off-hours",
  "batching",
  "exact cache",
  "prefix cache",
  "routing",
  "quantisation",
  "right-sizing",
  "spot",
] as const;

/** One of them. */
export type Lever = (typeof LEVERS)[number];

/** Levers that change who answers or with which weights: answers may differ. */
export const CHANGES_ANSWERS: readonly Lever[] = ["routing", "quantisation"];

/** What the traces do not say and the result depends on. */
export interface Assumptions {
  /** Share of requests that ask one of the frequent questions. */
  readonly repeatShare: number;
  readonly questions: number;
  readonly streamed: number;
  readonly clients: number;
  readonly gateways: number;
  /** Tokens of the system prompt all requests share. */
  readonly prefixTokens: number;
  /** Longest prompt that counts as simple, tokens. */
  readonly simpleTokens: number;
  readonly spot: Omit<SpotLadder, "onDemandReplicas" | "seed">;
}

/** Assumptions of the main table; the sweeps vary one at a time. */
export const ASSUMED: Assumptions = {
  repeatShare: 0.1,
  questions: 1000,
  streamed: 0.5,
  clients: 5,
  gateways: 2,
  prefixTokens: 256,
  simpleTokens: 256,
  spot: { hoursToInterruption: 12, availability: 0.8, noticeSeconds: 120 },
};

/** What the stack files configure for `gateway.cache: exact`. */
const CACHE = { seconds: 600, entries: 1000, tokenMs: 50, seed: 11 } as const;

/** A trace and when its callers are at work. */
export interface Workload {
  readonly name: string;
  readonly trace: Trace;
  /** Absent where calls come around the clock. */
  readonly hours?: NonNullable<FleetPlan["hours"]>;
}

/** What a set of levers cost and did to the requests; shares are of all requests, 0 to 1. */
export interface LeverOutcome {
  readonly usd: number;
  readonly gpuHours: number;
  /** In time, including what the cache answered. */
  readonly inTime: number;
  readonly cached: number;
  readonly smaller: number;
  readonly interrupted: number;
  readonly fleets: readonly Pick<FleetOutcome, "size" | "floor" | "peakReplicas">[];
}

interface Prepared {
  readonly requests: number;
  readonly cached: number;
  readonly large: Trace;
  readonly small: Trace | undefined;
}

const prepared = new Map<string, Prepared>();

/** Traces of the fleets after cache and routing; the same for the same levers, so that what is measured on them is reused. */
function prepare({ name, trace }: Workload, levers: readonly Lever[], assumed: Assumptions): Prepared {
  const has = (lever: Lever): boolean => levers.includes(lever);
  const key = JSON.stringify([
    name,
    has("exact cache"),
    has("prefix cache"),
    has("routing"),
    { ...assumed, spot: undefined },
  ]);
  const before = prepared.get(key);
  if (before !== undefined) return before;
  const questions = asked(trace, {
    share: assumed.repeatShare,
    questions: assumed.questions,
    streamed: assumed.streamed,
    clients: assumed.clients,
    seed: 7,
  });
  const reaching = has("exact cache")
    ? cacheMisses(questions, { ...CACHE, gateways: assumed.gateways })
    : questions.trace;
  const engine = { ...reaching, sharedPrefixTokens: has("prefix cache") ? assumed.prefixTokens : 0 };
  const split = has("routing")
    ? routed(engine, { maxInputTokens: assumed.simpleTokens })
    : { rest: engine, simple: undefined };
  const found = {
    requests: trace.arrivals.length,
    cached: trace.arrivals.length - reaching.arrivals.length,
    large: split.rest,
    small: split.simple,
  };
  prepared.set(key, found);
  return found;
}

/** Replays a workload with some of the levers pulled. */
export async function pull(
  levers: readonly Lever[],
  workload: Workload,
  assumed: Assumptions = ASSUMED,
): Promise<LeverOutcome> {
  const has = (lever: Lever): boolean => levers.includes(lever);
  const { requests, cached, large, small } = prepare(workload, levers, assumed);
  const common: Omit<FleetPlan, "trace" | "sizes"> = {
    sizing: has("right-sizing") ? "cheapest" : "first",
    batching: has("batching") ? "best" : "engine-default",
    scaling: has("autoscaling") ? "demand" : "static",
    hours: has("off-hours") ? workload.hours : undefined,
    spot: has("spot") ? { ...assumed.spot, seed: 13 } : undefined,
  };
  const fleets = [
    await replay({ ...common, trace: large, sizes: has("quantisation") ? LARGE_QUANTISED : LARGE }),
    ...(small === undefined ? [] : [await replay({ ...common, trace: small, sizes: SMALL })]),
  ];
  const sum = (pick: (fleet: FleetOutcome) => number): number =>
    fleets.reduce((all, fleet) => all + pick(fleet), 0);
  return {
    usd: sum(({ usd }) => usd),
    gpuHours: sum(({ gpuHours }) => gpuHours),
    inTime: (sum(({ inTime }) => inTime) + cached) / requests,
    cached: cached / requests,
    smaller: (small?.arrivals.length ?? 0) / requests,
    interrupted: sum(({ interrupted }) => interrupted) / requests,
    fleets: fleets.map(({ size, floor, peakReplicas }) => ({ size, floor, peakReplicas })),
  };
}
