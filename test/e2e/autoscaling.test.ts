import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReplicaPoint } from "../../simulation/fleet.ts";
import { PEER_DEFAULTS } from "../../simulation/peers.ts";
import { COMPRESSION, compressedCapacity, realMs } from "./cluster/compression.ts";
import {
  CAPACITY,
  END,
  platform,
  replicasAt,
  RIVAL_LIMITS,
  scenario,
  simulated,
  simulatedRival,
  SLOTS,
  START_SECONDS,
  TOKEN_SECONDS,
  TOKENS,
} from "./cluster/day.ts";
import { startFleetOnCluster, until, type FleetOnCluster } from "./cluster/fleet-on-cluster.ts";
import { sendAt, type LoadResult } from "./cluster/load.ts";

const STACK = "dev";
const NODES = 12;
const HOLD_SECONDS = 600;
/** Replica series may differ by this much, at this share of the ticks. */
const TOLERANCE = { replicas: 1, share: 0.95 } as const;
const TICK_SECONDS = 15;
/** Three polls of KEDA and the fourth that wakes what fails, three times over. */
const ASLEEP_SECONDS = 180;

interface Tick {
  readonly second: number;
  readonly ours: number;
  readonly theirs: number;
}

const [peer] = PEER_DEFAULTS;
if (peer === undefined) throw new Error("no peer");
let fleet: FleetOnCluster;

beforeAll(async () => {
  fleet = await startFleetOnCluster({
    stack: STACK,
    config: platform(STACK, compressedCapacity(CAPACITY), NODES),
    speed: { maxNumSeqs: SLOTS, tokenMs: realMs(TOKEN_SECONDS), tokens: TOKENS },
    startSeconds: START_SECONDS,
    holdSeconds: HOLD_SECONDS / COMPRESSION,
    nodes: NODES,
    rival: (scope) => ({
      name: peer.name,
      spec: { ...RIVAL_LIMITS, ...peer.spec({ model: scope.name, namespace: scope.namespace }) },
    }),
  });
});

afterAll(async () => {
  await fleet.close();
});

/** Share of differences that are small enough. */
function shareWithin(differences: readonly number[]): number {
  const close = differences.filter((difference) => Math.abs(difference) <= TOLERANCE.replicas);
  return close.length / differences.length;
}

function report(lines: readonly string[]): void {
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** The day alone takes five minutes. */
const PATIENCE = { timeout: 1_200_000 } as const;

describe("the shipped ScaledObject on real KEDA, HPA, scheduler and Prometheus", PATIENCE, () => {
  const ticks: Tick[] = [];
  let expected: readonly ReplicaPoint[];
  let rival: readonly ReplicaPoint[];
  let ours: LoadResult;
  let theirs: LoadResult;

  it("sleeps until somebody asks, for longer than lost metrics would wake it", async () => {
    const seen: number[] = [];
    for (let second = 0; second < ASLEEP_SECONDS; second += TICK_SECONDS) {
      seen.push(await fleet.wanted(fleet.ours));
      await setTimeout(realMs(TICK_SECONDS));
    }
    expect(seen).toEqual(seen.map(() => 0));
  });

  it("follows a day from zero to many to zero and wakes again", async () => {
    const trace = scenario();
    expected = await simulated(STACK, trace, NODES);
    rival = simulatedRival(trace, peer);
    const times = [...trace.arrivals].map(realMs);
    const started = performance.now();
    const loads = [
      sendAt(fleet.gateway, fleet.ours.name, times, TOKENS),
      sendAt(fleet.gateway, fleet.theirs.name, times, TOKENS),
    ] as const;
    for (let second = 0; second < END; second += TICK_SECONDS) {
      await setTimeout(Math.max(0, realMs(second) - (performance.now() - started)));
      ticks.push({
        second,
        ours: await fleet.wanted(fleet.ours),
        theirs: await fleet.wanted(fleet.theirs),
      });
    }
    const last = fleet.wanted(fleet.ours);
    [ours, theirs] = await Promise.all([loads[0].done, loads[1].done]);
    report(
      ticks.map(
        (tick) =>
          `${tick.second} s: cluster ${tick.ours}, simulation ${replicasAt(expected, tick.second)}; peer ${tick.theirs}, simulation ${replicasAt(rival, tick.second)}`,
      ),
    );
    report([
      `calls ${ours.sent}, answered ${ours.answered}; peer ${theirs.sent}, answered ${theirs.answered}`,
    ]);
    expect(await last).toBe(0);
    expect(ticks[0]?.ours).toBe(0);
    expect(Math.max(...ticks.map((tick) => tick.ours))).toBeGreaterThanOrEqual(5);
    expect(await fleet.wanted(fleet.ours)).toBe(1);
  });

  it("answers every call, those of the first minute and the last one included", () => {
    expect(ours.failures).toEqual([]);
    expect(ours.answered).toBe(ours.sent);
    expect(ours.sent).toBeGreaterThan(300);
  });

  it("has the replicas the simulation says, within one, at 95 % of the ticks", () => {
    expect(
      shareWithin(ticks.map(({ second, ours: there }) => there - replicasAt(expected, second))),
    ).toBeGreaterThanOrEqual(TOLERANCE.share);
  });

  it("does so for a peer's shipped ScaledObject on the same load too, which the simulation only emulates", () => {
    expect(
      shareWithin(ticks.map(({ second, theirs: there }) => there - replicasAt(rival, second))),
    ).toBeGreaterThanOrEqual(TOLERANCE.share);
  });
});

/** Replicas that `steady` needs. */
const NEEDED = 4;

/** Calls per second of the scenario that need four replicas, without end. */
function steady(seconds: number): number[] {
  const perSecond = 0.95;
  return Array.from({ length: Math.floor(seconds * perSecond) }, (_, call) => realMs(call / perSecond));
}

describe("faults under load", PATIENCE, () => {
  it("never takes a replica away: Prometheus lost for longer than the cooldown, gateway killed, node lost", async () => {
    const load = sendAt(fleet.gateway, fleet.ours.name, steady(4_000), TOKENS);
    try {
      await until(
        "ready replicas",
        () => Promise.resolve(fleet.engines.ready),
        (value) => value >= NEEDED,
        180_000,
      );
      const level = await fleet.wanted(fleet.ours);
      const seen: number[] = [];
      const watch = async (ms: number): Promise<void> => {
        const end = Date.now() + ms;
        while (Date.now() < end) {
          seen.push(await fleet.wanted(fleet.ours));
          await setTimeout(500);
        }
      };
      await fleet.prometheus.kill();
      await watch(150_000);
      report([`Prometheus away: level ${level}, least ${Math.min(...seen)}`]);
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(level);
      await fleet.prometheus.start();
      // What was added for the queue of the start may leave now; what the load needs may not.
      seen.length = 0;
      await watch(20_000);
      await fleet.gateway.kill();
      await watch(4_000);
      await fleet.gateway.start();
      await watch(15_000);
      report([`gateway killed: least ${Math.min(...seen)}`]);
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(NEEDED);
      const [node = ""] = await fleet.nodesOf(fleet.ours);
      await fleet.api.send("DELETE", `/api/v1/nodes/${node}`);
      await until(
        "pods on the lost node",
        async () => (await fleet.nodesOf(fleet.ours)).filter((name) => name === node).length,
        (value) => value === 0,
        120_000,
      );
      seen.length = 0;
      await until(
        "ready replicas less those wanted, after a node was lost",
        async () => {
          const wanted = await fleet.wanted(fleet.ours);
          seen.push(wanted);
          return fleet.engines.ready - wanted;
        },
        (value) => value >= 0,
        120_000,
      );
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(NEEDED);
    } finally {
      load.stop();
      await load.done;
    }
  });
});
