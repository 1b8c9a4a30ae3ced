import { parse } from "yaml";
import { GATEWAY_NAMESPACE } from "../../../components/gateway/address.ts";
import { manifestsOf } from "../../../plan/manifests.ts";
import { planStack } from "../../../plan/stack-plan.ts";
import { simulate, type FleetOptions, type ReplicaPoint } from "../../../simulation/fleet.ts";
import type { PeerDefault } from "../../../simulation/peers.ts";
import { compileScaledObject } from "../../../simulation/scaled-object.ts";
import { poissonTrace, type Rates, type Trace } from "../../../simulation/trace.ts";
import type { PlatformConfig } from "../../../stacks/schema/platform.ts";
import { readStack } from "../../../stacks/schema/stack-file.ts";
import { STACKS } from "../offline-plan.ts";
import { withModel } from "./compression.ts";
import type { KubeObject } from "./kube-object.ts";

type Capacity = NonNullable<PlatformConfig["models"][number]["autoscaling"]["capacity"]>;

const MAX_REPLICAS = 6;
/** Seconds until a new replica serves. */
export const START_SECONDS = 240;
/** Every answer has 50 tokens of half a second: 25 s of the scenario; 8 at a time are 0.32 calls per second and replica. */
export const TOKENS = 50;
/** Seconds of a token. */
export const TOKEN_SECONDS = 0.5;
/** Calls a replica answers at a time. */
export const SLOTS = 8;
/** What a replica sustains. */
export const CAPACITY: Capacity = {
  inputTokensPerSecond: 1_000_000,
  outputTokensPerSecond: SLOTS / TOKEN_SECONDS,
  concurrency: SLOTS,
  // The simulated engines do not slow down when they are full; real ones do.
  tokenMs: TOKEN_SECONDS * 1000,
  idleTokenMs: TOKEN_SECONDS * 1000,
  burstReplicas: 0,
  source: "the simulated engines of this test",
  asOf: "2026-11-25",
};

/** A shipped stack with room for several replicas of its model, and a known capacity. */
export function platform(stack: string, capacity: Capacity, nodes: number): PlatformConfig {
  const read = readStack(STACKS, stack);
  const changed = withModel(read, (model) => ({
    ...model,
    engine: { ...model.engine, maxNumSeqs: SLOTS },
    autoscaling: { ...model.autoscaling, maxReplicas: MAX_REPLICAS, capacity },
  }));
  return {
    ...changed,
    gpuPools: read.gpuPools.map((pool) => ({ ...pool, nodes: { ...pool.nodes, max: nodes } })),
    tenancy: {
      ...read.tenancy,
      tenants: read.tenancy.tenants.map((tenant) => ({ ...tenant, gpus: nodes, cpus: 200, memoryGiB: 800 })),
    },
  };
}

/** Calls per second in windows of half a minute: nothing, little, much, more, little, nothing, and one call at the end. */
const STEPS: readonly (readonly [fromSecond: number, perSecond: number])[] = [
  [0, 0],
  [30, 0.05],
  [480, 0.6],
  [780, 1.5],
  [990, 0.3],
  [1170, 0],
];
const LOAD_END = 1_170;
/** Cooldown of the shipped ScaledObject is 900 s. */
export const END = 2_340;
const WINDOW = 30;

/** The calls of the day. */
export function scenario(): Trace {
  const rateAt = (second: number): number => STEPS.findLast(([from]) => from <= second)?.[1] ?? 0;
  const rates: Rates = {
    name: "compressed day",
    windowSeconds: WINDOW,
    perSecond: Array.from({ length: LOAD_END / WINDOW }, (_, window) => rateAt(window * WINDOW)),
  };
  const lengths: Trace = {
    name: "fixed",
    arrivals: Float64Array.of(0),
    inputTokens: Uint32Array.of(TOKENS),
    outputTokens: Uint32Array.of(TOKENS),
    sharedPrefixTokens: 0,
  };
  const trace = poissonTrace(rates, lengths, 7);
  const all = (values: Uint32Array): Uint32Array => Uint32Array.from([...values, TOKENS]);
  // The simulation ends with its last request, so one comes when everything is quiet again.
  return {
    ...trace,
    arrivals: Float64Array.from([...trace.arrivals, END]),
    inputTokens: all(trace.inputTokens),
    outputTokens: all(trace.outputTokens),
  };
}

/** Replicas the simulation has over the day with the ScaledObject the stack renders. */
export async function simulated(
  stack: string,
  trace: Trace,
  nodes: number,
): Promise<readonly ReplicaPoint[]> {
  const { graph } = (await planStack(stack, platform(stack, CAPACITY, nodes))).plan;
  const object = manifestsOf(graph)
    .map(({ yaml }) => parse(yaml) as KubeObject)
    .find(({ kind }) => kind === "ScaledObject");
  return replicasOf(trace, object?.["spec"], 0);
}

/** What every scaler beside ours gets besides its own triggers; none of them can wake from zero, because there is no engine to ask. */
export const RIVAL_LIMITS = {
  minReplicaCount: 1,
  maxReplicaCount: MAX_REPLICAS,
  pollingInterval: 30,
  cooldownPeriod: 300,
} as const;

/** Replicas the simulation has over the day with the defaults of another project. */
export function simulatedRival(trace: Trace, peer: PeerDefault): readonly ReplicaPoint[] {
  return replicasOf(trace, { ...RIVAL_LIMITS, ...peer.spec(SIMULATED) }, 1);
}

const SIMULATED = { model: "mistral-7b", namespace: "playground" } as const;

function replicasOf(trace: Trace, spec: unknown, start: number): readonly ReplicaPoint[] {
  const options: FleetOptions = {
    trace,
    parameters: { fixedMs: TOKEN_SECONDS * 1000, contextNs: 0, prefillUs: 0, sequenceUs: 0 },
    limits: { batchedTokens: 8_192, maxNumSeqs: SLOTS, cacheTokens: 1_000_000 },
    slo: { ttftMs: 2_000, tpotMs: 1_000 },
    scaling: { kind: "scaled-object", spec: compileScaledObject(spec), start },
    names: { ...SIMULATED, gatewayNamespace: GATEWAY_NAMESPACE },
    gpus: 1,
    startSeconds: START_SECONDS,
  };
  return simulate(options).replicas;
}

/** Replicas at a second of a series. */
export function replicasAt(points: readonly ReplicaPoint[], second: number): number {
  return points.findLast(({ seconds }) => seconds <= second)?.replicas ?? 0;
}
