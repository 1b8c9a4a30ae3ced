import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { readStack } from "../stacks/schema/stack-file.ts";
import { demandsOf, underLoad, underTraffic } from "./load.ts";
import { replicaCapacity } from "./replica-capacity.ts";
import { demandOf, monthOf, readTraffic, scaledBy, type Traffic } from "./traffic.ts";
import { unitCostsOf } from "./unit-cost.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-traffic-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const mean = { inputTokens: 1000, outputTokens: 100 };

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("readTraffic", () => {
  it("counts the requests of a trace in windows of five minutes, whole ones only", () => {
    const path = file(
      "trace.csv",
      [
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "2026-11-25 10:00:00.0,100,10",
        "2026-11-25 10:04:59.9,200,20",
        "2026-11-25 10:05:00.0,400,40",
        "2026-11-25 10:10:00.0,800,80",
      ].join("\n"),
    );
    expect(readTraffic(path, mean)).toMatchObject({
      name: path,
      windowSeconds: 300,
      windows: [
        { requests: 2, inputTokens: 300, outputTokens: 30 },
        { requests: 1, inputTokens: 400, outputTokens: 40 },
      ],
    });
  });

  it("gives the requests of a profile the mean tokens", () => {
    const path = file("profile.csv", "window_start_s,requests_per_s\n0,2\n600,0\n");
    const traffic = readTraffic(path, mean);
    expect(traffic.windows).toEqual([
      { requests: 1200, inputTokens: 1_200_000, outputTokens: 120_000 },
      { requests: 0, inputTokens: 0, outputTokens: 0 },
    ]);
    // 1 request/s on average, 730 h.
    expect(monthOf(traffic)).toEqual({
      requests: 2_628_000,
      inputTokens: 2_628_000_000,
      outputTokens: 262_800_000,
    });
  });

  it.each([
    [
      "a negative rate",
      "window_start_s,requests_per_s\n0,-2\n600,1\n",
      ":2: requests_per_s = '-2' is not a number of at least 0",
    ],
    [
      "a negative length",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-11-25 10:00:00.0,-1,1\n",
      ":2: ContextTokens = '-1'",
    ],
    ["other columns", "a,b\n1,2\n", "columns are 'a,b'"],
    ["no request", "TIMESTAMP,ContextTokens,GeneratedTokens\n", "holds no request"],
  ])("refuses %s, naming file, line and column", (_title, text, message) => {
    expect(() => readTraffic(file("bad.csv", text), mean)).toThrow(message);
  });
});

describe("demandOf", () => {
  const capacity = { inputTokensPerSecond: 1000, outputTokensPerSecond: 100 };
  const window = (load: number): Traffic["windows"][number] => ({
    requests: 1,
    inputTokens: (load / 2) * 1000 * 300,
    outputTokens: (load / 2) * 100 * 300,
  });

  it("follows the load at nine tenths of a replica, within the bounds", () => {
    const traffic = { name: "t", windowSeconds: 300, windows: [0, 0.9, 1.8, 9].map(window) };
    const demand = demandOf(traffic, capacity, { minReplicas: 1, maxReplicas: 4 });
    expect(demand.replicas).toEqual([1, 1, 2, 4]);
    expect(demand.overload).toBe(0.25);
    // 6.7 of the 11.7 replica windows that are offered.
    expect(demand.served).toBeCloseTo(6.7 / 11.7, 10);
    // 0 + 0.9 + 1.8 + 4 (all it can) of 8 replica windows.
    expect(demand.utilisation).toBeCloseTo(6.7 / 8, 10);
  });

  it("never takes fewer replicas for more load", () => {
    const loads = fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(loads, fc.double({ min: 1, max: 5, noNaN: true }), (list, factor) => {
        const traffic = { name: "t", windowSeconds: 300, windows: list.map(window) };
        const bounds = { minReplicas: 1, maxReplicas: 10 };
        expect(demandOf(scaledBy(traffic, factor), capacity, bounds).meanReplicas).toBeGreaterThanOrEqual(
          demandOf(traffic, capacity, bounds).meanReplicas,
        );
      }),
    );
  });
});

describe("a configuration under another load", () => {
  const config = readStack(join(import.meta.dirname, "../stacks"), "acme-prod");
  const windows = [4, 0, 0, 0].map((load) => ({
    requests: load * 300,
    inputTokens: load * 1000 * 300,
    outputTokens: 0,
  }));
  const traffic = { name: "t", windowSeconds: 300, windows };

  it("expects the mean of the traffic's nodes, and keeps the ordinary day of other models", () => {
    const capacity = { inputTokensPerSecond: 1000, outputTokensPerSecond: 100 };
    const demands = demandsOf(config, [{ model: "claims-assistant", traffic, capacity }]);
    // 4 / 0.9 = 5 replicas once, the floor of 2 three times.
    expect(demands[0]?.nodes).toEqual([5, 2, 2, 2]);
    const { gpuPools, models } = underTraffic(config, demands);
    expect(gpuPools.map(({ nodes }) => nodes.expected)).toEqual([2.75, 2]);
    expect(models.map(({ autoscaling }) => autoscaling.expectedReplicas)).toEqual([2.75, 2]);
  });

  it("stays within what scalers and declared quantities allow", () => {
    const heavy = underLoad(config, 100);
    expect(heavy.gpuPools.map(({ nodes }) => nodes.expected)).toEqual([6, 3]);
    expect(heavy.models.map(({ autoscaling }) => autoscaling.expectedReplicas)).toEqual([6, 3]);
    expect(heavy.budget.usage.egressGiB?.expected).toBe(500);
    const light = underLoad(config, 0.01);
    expect(light.models.map(({ autoscaling }) => autoscaling.expectedReplicas)).toEqual([2, 2]);
  });
});

describe("unit costs", () => {
  const config = readStack(join(import.meta.dirname, "../stacks"), "acme-prod");
  const [model] = config.models;
  if (model === undefined) throw new Error("acme-prod lost its models");
  const price = (usdPerHour: string): { usdPerHour: string; source: string; asOf: string } => ({
    usdPerHour,
    source: "test",
    asOf: "2026-11-25",
  });
  const sku = "aws/eu-south-2/machine/g6e.xlarge/on-demand";
  const units = { sku, quantity: 1 };
  const line = {
    urn: "u",
    name: "pool",
    what: "x",
    pool: "l40s",
    units: { min: units, expected: units, max: units },
    monthlyUsd: { min: "0", expected: "0", max: "0" },
    prices: { [sku]: price("3.6") },
  };

  it("are the replica's hour over what it serves, and break even with an API where both cost the same", () => {
    const declared = {
      ...model,
      autoscaling: {
        ...model.autoscaling,
        capacity: {
          inputTokensPerSecond: 2000,
          outputTokensPerSecond: 200,
          concurrency: 8,
          tokenMs: 20,
          idleTokenMs: 10,
          burstReplicas: 0,
          source: "measured",
          asOf: "2026-11-01",
        },
      },
    };
    const capacity = replicaCapacity(declared, config, mean);
    // 1000 / 2000 + 100 / 200 = 1 second per request.
    expect(capacity).toMatchObject({ kind: "known", requestsPerSecond: 1, origin: "measured, 2026-11-01" });
    const costs = unitCostsOf(declared, config, [line], capacity, mean);
    // 3.6 USD over 3600 requests; 1100 tokens each.
    expect(costs.unitCosts[0]).toEqual({
      utilisation: 1,
      usdPerRequest: "0.001",
      usdPerMillionTokens: "0.909091",
    });
    expect(costs.unitCosts[2]?.usdPerRequest).toBe("0.002");
    const sonnet = costs.breakEven.find(({ model: name }) => name === "claude-sonnet-5-5");
    // The API: 1000 x 2 + 100 x 10 USD per million = 0.003 USD.
    expect(sonnet).toMatchObject({ usdPerRequest: "0.003", isBeyondPriceTier: false });
    expect(sonnet?.utilisation).toBeCloseTo(1 / 3, 10);
    expect(sonnet?.requestsPerMonth).toBeCloseTo((3600 * 730) / 3, 3);
    const haiku = costs.breakEven.find(({ model: name }) => name === "claude-haiku-5-5");
    expect(haiku).toMatchObject({ usdPerRequest: "0.00015", utilisation: "never" });
  });

  it("say when a prompt is longer than a price holds for", () => {
    const capacity = replicaCapacity(model, config, mean);
    const long = { inputTokens: 100_001, outputTokens: 1 };
    const tiers = unitCostsOf(model, config, [line], capacity, long).breakEven;
    expect(tiers.find(({ model: name }) => name === "claude-haiku-5-5")?.isBeyondPriceTier).toBe(true);
    expect(tiers.find(({ model: name }) => name === "gpt-6-luna")?.isBeyondPriceTier).toBe(false);
  });

  it("are unknown for weights outside of the model table", () => {
    const stranger = {
      ...model,
      source: { kind: "s3" as const, uri: "s3://b/m", digest: `sha256:${"0".repeat(64)}` },
    };
    const capacity = replicaCapacity(stranger, config, mean);
    expect(capacity).toMatchObject({ kind: "unknown" });
    expect(unitCostsOf(stranger, config, [line], capacity, mean)).toMatchObject({
      unitCosts: [],
      breakEven: [],
    });
  });
});
