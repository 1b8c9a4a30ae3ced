import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { replicaChart } from "./chart.ts";
import {
  burstFloor,
  fleetNames,
  runPeers,
  runScaledObject,
  smallestStatic,
  type FleetSetup,
} from "./experiment.ts";
import { simulate } from "./fleet.ts";
import { withForesight } from "./foresight.ts";
import { serviceRate } from "./service-rate.ts";
import { dayOf, exponentialLengths, poissonTrace, readRates, readRequests, replicate } from "./trace.ts";
import { leastReplicaHours } from "./work.ts";

const parameters = { fixedMs: 14, contextNs: 60, prefillUs: 50, sequenceUs: 48 };
const limits = { batchedTokens: 1024, maxNumSeqs: 256, cacheTokens: 300_000 };
const slo = { ttftMs: 2000, tpotMs: 100 };
const lengths = exponentialLengths({ inputTokens: 1000, outputTokens: 200 }, 7);
const names = fleetNames("mistral", "claims");

/** Half an hour that doubles after ten minutes and calms down after twenty. */
const trace = poissonTrace({ name: "test", windowSeconds: 600, perSecond: [12, 24, 12] }, lengths, 3);
const setup: FleetSetup = { trace, parameters, limits, slo, names, gpus: 2 };

const demand = {
  triggers: [
    {
      type: "prometheus",
      metadata: {
        query: 'sum(rate(llmops_gateway_offered_tokens_total{kind="input",model="mistral"}[1m])) / 8000',
        threshold: "0.85",
        ignoreNullValues: "false",
      },
    },
  ],
};

describe("a simulated fleet", () => {
  it("serves every request once, whatever the scaling, and gives the same result again", () => {
    const run = (): ReturnType<typeof simulate> =>
      simulate({ ...setup, scaling: { kind: "static", replicas: 4 } });
    const result = run();
    expect(result.requests).toBe(trace.arrivals.length);
    expect(result.attainment).toBeGreaterThan(0.99);
    expect(run()).toEqual(result);
  });

  it("pays a static fleet from the first second to the last request", () => {
    const { gpuHours, replicas } = simulate({ ...setup, scaling: { kind: "static", replicas: 4 } });
    expect(gpuHours).toBeCloseTo((4 * 2 * (replicas.at(-1)?.seconds ?? 0)) / 3600, 9);
  });

  it("serves every request on a spot ladder too, pays each hour once, and counts the interrupted as late", () => {
    const ladder = { onDemandReplicas: 2, availability: 0.5, noticeSeconds: 120, seed: 5 };
    const run = (hoursToInterruption: number): ReturnType<typeof simulate> =>
      simulate({
        ...setup,
        scaling: { kind: "static", replicas: 6 },
        spot: { ...ladder, hoursToInterruption },
      });
    const calm = run(1e9);
    const storm = simulate({
      ...setup,
      scaling: { kind: "static", replicas: 6 },
      spot: { ...ladder, hoursToInterruption: 0.05, noticeSeconds: 1 },
    });
    const plain = simulate({ ...setup, scaling: { kind: "static", replicas: 6 } });
    expect([calm.interrupted, calm.attainment, calm.gpuHours]).toEqual([0, plain.attainment, plain.gpuHours]);
    expect(calm.spotGpuHours).toBeGreaterThan(0);
    expect(calm.spotGpuHours / calm.gpuHours).toBeLessThanOrEqual(4 / 6 + 1e-9);
    expect(storm.requests).toBe(trace.arrivals.length);
    expect(storm.interrupted).toBeGreaterThan(0);
    expect(storm.attainment).toBeLessThanOrEqual(1 - storm.interrupted / storm.requests);
    expect(run(0.3)).toEqual(run(0.3));
  });

  it("finds the smallest static fleet", () => {
    const { replicas } = smallestStatic(setup);
    const scaling = { kind: "static", replicas: replicas - 1 } as const;
    const fewer = simulate({ ...setup, scaling });
    expect(fewer.attainment).toBeLessThan(0.99);
    const given = simulate({ ...setup, scaling, atLeast: 0.99 });
    expect(given.attainment).toBeLessThan(0.99);
    expect(given.gpuHours).toBeLessThan(fewer.gpuHours);
  });

  it("follows demand up and down, and costs less than the static fleet", () => {
    const reference = smallestStatic(setup);
    const result = runScaledObject(setup, demand, reference, 1);
    expect(result.scaleUps).toBeGreaterThan(0);
    expect(result.scaleDowns).toBeGreaterThan(0);
    expect(result.gpuHours).toBeLessThan(1.1 * reference.result.gpuHours);
  });

  it("plans with foresight for no more than the static fleet, and never below the work itself", () => {
    const reference = smallestStatic(setup);
    const plan = withForesight(setup, { least: 1, most: reference.replicas + 1, objective: 0.99 });
    expect(plan.attainment).toBeGreaterThanOrEqual(0.99);
    expect(plan.gpuHours).toBeLessThan(reference.result.gpuHours);
    const work = leastReplicaHours(parameters, limits, trace) * setup.gpus;
    expect(work).toBeGreaterThan(0.3 * plan.gpuHours);
    expect(work).toBeLessThan(plan.gpuHours);
    expect(() => withForesight(setup, { least: 1, most: 1, objective: 0.99 })).toThrow(
      "no plan with at most 1 replicas serves 99 % in time",
    );
  });

  it("raises the floor until bursts are served, at most to the static fleet", () => {
    const reference = smallestStatic(setup);
    const floor = burstFloor(setup, demand, reference, 1);
    expect(floor.minReplicas).toBeGreaterThan(1);
    expect(floor.minReplicas).toBeLessThanOrEqual(reference.replicas);
    const lower = runScaledObject(setup, demand, reference, floor.minReplicas - 1);
    expect(lower.attainment).toBeLessThan(0.995);
  });

  it("shows that an un-summed queue never scales: several series are an error", () => {
    const reference = smallestStatic(setup);
    const results = new Map(runPeers(setup, reference, 2));
    expect(results.get("production-stack as shipped")?.attainment).toBeLessThan(0.6);
    expect(results.get("production-stack as shipped")?.scaleUps).toBeLessThanOrEqual(1);
  });

  it("wakes from zero on what the gateway holds", () => {
    const held = {
      minReplicaCount: 0,
      maxReplicaCount: 4,
      triggers: [
        {
          type: "prometheus",
          metadata: { query: 'sum(llmops_gateway_held_requests{model="mistral"})', threshold: "256" },
        },
      ],
    };
    const result = runScaledObject({ ...setup, startSeconds: 30 }, held, smallestStatic(setup), 0);
    expect(result.requests).toBe(trace.arrivals.length);
  });

  it("knows the rate one replica sustains, and that some limits no rate meets", () => {
    const full = serviceRate(parameters, limits, slo, lengths);
    expect(full?.requestsPerSecond).toBeGreaterThan(7);
    expect(full?.requestsPerSecond).toBeLessThan(12);
    expect(serviceRate(parameters, limits, { ttftMs: 1, tpotMs: 1 }, lengths)).toBeUndefined();
  });

  it("draws replicas as a picture without scripts or outside references", () => {
    const svg = replicaChart("a < b", [
      {
        label: "ours",
        points: [
          { seconds: 0, replicas: 2 },
          { seconds: 60, replicas: 3 },
        ],
      },
    ]);
    expect(svg).toContain("<title>a &lt; b</title>");
    expect(svg.match(/<path /g)).toHaveLength(1);
    expect(svg).not.toMatch(/script|href/);
  });
});

describe("trace files", () => {
  function file(name: string, text: string): string {
    const folder = mkdtempSync(join(tmpdir(), "llmops-trace-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, name);
    writeFileSync(path, name.endsWith(".gz") ? gzipSync(text) : text);
    return path;
  }

  const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

  it("reads requests in any order, zipped or not", () => {
    const rows = "2023-11-16 18:15:50.5000000,396,109\n2023-11-16 18:15:46.2500000,374,44\n";
    const read = readRequests(file("requests.csv.gz", HEADER + rows));
    expect([...read.arrivals]).toEqual([0, 4.25]);
    expect([...read.inputTokens]).toEqual([374, 396]);
    expect([...replicate(read, 3, 0, 1).arrivals]).toEqual([0, 0, 0, 4.25, 4.25, 4.25]);
  });

  it.each([
    ["requests.csv", "a,b\n", "requests.csv:1: columns are 'a,b'"],
    [
      "requests.csv",
      `${HEADER}2023-11-16 18:15:50,x,1\n`,
      "requests.csv:2: ContextTokens = 'x' is not a number",
    ],
    [
      "requests.csv",
      `${HEADER}2023-11-16 18:15:50,1\n`,
      "requests.csv:2: GeneratedTokens = '' is not a number",
    ],
    ["requests.csv", `${HEADER}yesterday,1,1\n`, "requests.csv:2: TIMESTAMP = 'yesterday' is not a date"],
    ["requests.csv.gz", "", "requests.csv.gz:1: columns are ''"],
  ])("names file, line and column: %s %j", (name, text, message) => {
    expect(() => readRequests(file(name, text))).toThrow(message);
  });

  it("scales a day of rates to a mean and refuses a day that is not there", () => {
    const rows = Array.from(
      { length: 144 },
      (_, index) => `${600 * index},${index % 2 === 0 ? 10 : 30}`,
    ).join("\n");
    const rates = readRates(file("rates.csv", `window_start_s,requests_per_s\n${rows}\n`));
    const day = dayOf(rates, 0, 2);
    expect(day.perSecond.slice(0, 2)).toEqual([1, 3]);
    const { arrivals } = poissonTrace(day, lengths, 1);
    expect(arrivals.length / 86_400).toBeCloseTo(2, 1);
    expect(() => dayOf(rates, 1, 2)).toThrow("has no day 1");
  });
});
