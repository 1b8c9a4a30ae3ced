import type { Schedule } from "../../components/autoscaling/schedule.ts";
import { tokenRates, type CapacityFigures } from "../../capacity/sizing.ts";
import { isRecord, type GraphValue } from "../../graph/values.ts";
import { priceOf } from "../../pricing/catalog.ts";
import { machineSku, type Purchase } from "../../pricing/price.ts";
import {
  runScaledObject,
  smallestStatic,
  STATIC_OBJECTIVE,
  type FleetSetup,
  type StaticFleet,
} from "../../simulation/experiment.ts";
import { simulate, type FleetResult, type SpotLadder } from "../../simulation/fleet.ts";
import { serviceRate } from "../../simulation/service-rate.ts";
import { meanWorkload, type Trace } from "../../simulation/trace.ts";
import { NAMES, scalerSpec } from "../scaler-spec.ts";
import type { Size } from "./sizes.ts";

/** Times a request is judged by. */
export const SLO = { ttftMs: 2000, tpotMs: 100 } as const;

/** vLLM's own default on a GPU of this size. @see https://docs.vllm.ai/en/latest/configuration/optimization.html */
const DEFAULT_BATCHED_TOKENS = 8192;
const DEFAULT_NUM_SEQS = 256;

/** Settings the batching lever chooses from: most tokens in a step, most sequences in a batch. */
const BATCHES = [1024, 2048, 4096, 8192].flatMap((tokens) =>
  [128, 256, 512].map((sequences) => ({ tokens, sequences })),
);
const MACHINE = { region: "eu-north-1", type: "p5.48xlarge", gpus: 8 } as const;

/** Fewest replicas of a service that must survive a node. */
const LEAST = 2;

/** Price of one H100, USD/h, as a share of its machine. */
export function gpuPrice(purchase: Purchase): number {
  const sku = machineSku("aws", MACHINE.region, MACHINE.type, purchase);
  const price = priceOf(sku);
  if (price === undefined) throw new Error(`${sku} has no price`);
  return Number(price.usdPerHour) / MACHINE.gpus;
}

/** How a fleet is run. */
export interface FleetPlan {
  readonly trace: Trace;
  /** Sizes to choose from; the first when nothing is chosen. */
  readonly sizes: readonly Size[];
  readonly sizing: "first" | "cheapest";
  readonly batching: "engine-default" | "best";
  readonly scaling: "static" | "demand";
  /** Hours of business when the fleet sleeps outside of them. */
  readonly hours:
    | (Pick<Schedule, "timezone"> & {
        readonly windows: readonly Omit<Schedule["windows"][number], "replicas">[];
      })
    | undefined;
  readonly spot: Omit<SpotLadder, "onDemandReplicas"> | undefined;
}

/** What a fleet cost and did. */
export interface FleetOutcome {
  readonly usd: number;
  readonly gpuHours: number;
  readonly spotGpuHours: number;
  readonly requests: number;
  readonly inTime: number;
  readonly interrupted: number;
  readonly peakReplicas: number;
  /** Floor that keeps the objective, or the size of a static fleet. */
  readonly floor: number;
  readonly size: string;
}

interface Sized {
  readonly size: Size;
  readonly setup: FleetSetup;
  readonly figures: CapacityFigures;
  readonly requestsPerGpuSecond: number;
}

function sized(size: Size, { tokens, sequences }: (typeof BATCHES)[number], trace: Trace): Sized | undefined {
  const limits = { batchedTokens: tokens, maxNumSeqs: sequences, cacheTokens: size.cacheTokens(tokens) };
  const longest = trace.inputTokens.reduce(
    (most, input, request) => Math.max(most, input + (trace.outputTokens[request] ?? 0)),
    0,
  );
  if (limits.cacheTokens < longest) return undefined;
  const rate = serviceRate(size.parameters, limits, SLO, trace);
  if (rate === undefined) return undefined;
  return {
    size,
    setup: { trace, parameters: size.parameters, limits, slo: SLO, names: NAMES, gpus: size.gpus },
    // Requests that wait are in flight too, but no replica runs more than its batch.
    figures: tokenRates(size.parameters, meanWorkload(trace), {
      ...rate,
      concurrency: Math.min(rate.concurrency, sequences),
    }),
    requestsPerGpuSecond: rate.requestsPerSecond / size.gpus,
  };
}

const known = new WeakMap<Trace, Map<string, Sized | undefined>>();

/** What one replica sustains on a trace; measured once. */
function capacityOf(size: Size, batch: (typeof BATCHES)[number], trace: Trace): Sized | undefined {
  const ofTrace = known.get(trace) ?? new Map<string, Sized | undefined>();
  known.set(trace, ofTrace);
  const key = `${size.name} ${batch.tokens} ${batch.sequences}`;
  if (!ofTrace.has(key)) ofTrace.set(key, sized(size, batch, trace));
  return ofTrace.get(key);
}

const references = new WeakMap<Sized, StaticFleet>();

function referenceOf(from: Sized): StaticFleet {
  const reference = references.get(from) ?? smallestStatic(from.setup);
  references.set(from, reference);
  return reference;
}

function chosen(plan: FleetPlan): Sized {
  const batches =
    plan.batching === "best" ? BATCHES : [{ tokens: DEFAULT_BATCHED_TOKENS, sequences: DEFAULT_NUM_SEQS }];
  const able = (plan.sizing === "first" ? plan.sizes.slice(0, 1) : plan.sizes)
    .flatMap((size) => batches.map((batch) => capacityOf(size, batch, plan.trace)))
    .filter((each) => each !== undefined)
    .sort((a, b) => b.requestsPerGpuSecond - a.requestsPerGpuSecond);
  const [best] = able;
  if (best === undefined) throw new Error(`${plan.trace.name}: no size serves it in time`);
  return best;
}

function listed(value: unknown): readonly GraphValue[] {
  return Array.isArray(value) ? (value as readonly GraphValue[]) : [];
}

interface Run {
  readonly floor: number;
  readonly result: FleetResult;
}

async function run(plan: FleetPlan, from: Sized): Promise<Run> {
  const reference = referenceOf(from);
  const withFloor = async (floor: number): Promise<Run> => {
    const spot = plan.spot === undefined ? {} : { spot: { ...plan.spot, onDemandReplicas: LEAST } };
    const setup = { ...from.setup, ...spot };
    if (plan.scaling === "static" && plan.hours === undefined)
      return { floor, result: simulate({ ...setup, scaling: { kind: "static", replicas: floor } }) };
    const schedule = plan.hours && {
      timezone: plan.hours.timezone,
      windows: plan.hours.windows.map((window) => ({ ...window, replicas: floor })),
    };
    const least = plan.hours === undefined ? floor : 0;
    const spec = await scalerSpec({
      capacity: from.figures,
      maxNumSeqs: from.setup.limits.maxNumSeqs,
      minReplicas: least,
      schedule,
    });
    const used =
      plan.scaling === "demand"
        ? spec
        : {
            ...spec,
            triggers: listed(spec["triggers"]).filter((each) => isRecord(each) && each["type"] === "cron"),
          };
    return { floor, result: runScaledObject(setup, used, reference, least) };
  };
  if (plan.scaling === "static") return withFloor(reference.replicas);
  // The smallest floor that keeps the objective of the static fleet it is compared with.
  let low = Math.min(LEAST, reference.replicas);
  let best = await withFloor(low);
  if (best.result.attainment >= STATIC_OBJECTIVE) return best;
  best = await withFloor(reference.replicas);
  while (best.floor - low > 1) {
    const middle = await withFloor(Math.floor((low + best.floor) / 2));
    if (middle.result.attainment >= STATIC_OBJECTIVE) best = middle;
    else low = middle.floor;
  }
  return best;
}

/** Replays a trace through the fleet a plan describes. */
export async function replay(plan: FleetPlan): Promise<FleetOutcome> {
  const best = chosen(plan);
  const { floor, result } = await run(plan, best);
  const { gpuHours, spotGpuHours } = result;
  return {
    usd: (gpuHours - spotGpuHours) * gpuPrice("on-demand") + spotGpuHours * gpuPrice("spot"),
    gpuHours,
    spotGpuHours,
    requests: result.requests,
    inTime: result.attainment * result.requests,
    interrupted: result.interrupted,
    peakReplicas: result.peakReplicas,
    floor,
    size: `${best.size.name}, ${best.setup.limits.batchedTokens} tokens and ${best.setup.limits.maxNumSeqs} sequences at most`,
  };
}
