import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { poissonTrace, exponentialLengths } from "../simulation/trace.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { leversOf } from "./levers.ts";
import { afterRouting } from "./routing.ts";
import { demandOf, trafficOfRequests, type Traffic } from "./traffic.ts";

const shipped = readStack(join(import.meta.dirname, "../stacks"), "acme-prod");
const config: PlatformConfig = {
  ...shipped,
  models: shipped.models.map((model, index) =>
    index === 0
      ? {
          ...model,
          tiers: [{ maxInputTokens: 500, maxMessages: 1, tools: "none", model: "claims-reasoner" }],
        }
      : model,
  ),
};

const requests = {
  ...poissonTrace(
    { name: "day", windowSeconds: 600, perSecond: [1, 2, 1] },
    exponentialLengths({ inputTokens: 800, outputTokens: 100 }, 1),
    1,
  ),
  name: "day",
};
const traffic = trafficOfRequests(requests, 1800);
const total = ({ windows }: Traffic, pick: (window: Traffic["windows"][number]) => number): number =>
  windows.reduce((sum, window) => sum + pick(window), 0);

describe("afterRouting", () => {
  it("moves exactly the requests with short prompts to the smaller model, and loses none", () => {
    const after = afterRouting(config, new Map([["claims-assistant", traffic]]));
    const rest = after.get("claims-assistant");
    const simple = after.get("claims-reasoner");
    if (rest === undefined || simple === undefined) throw new Error("a model has no traffic");
    const short = requests.inputTokens.filter((tokens) => tokens <= 500);
    expect(short.length).toBeGreaterThan(100);
    expect(simple.requests?.arrivals).toHaveLength(short.length);
    expect(Math.max(...(simple.requests?.inputTokens ?? []))).toBeLessThanOrEqual(500);
    expect(Math.min(...(rest.requests?.inputTokens ?? []))).toBeGreaterThan(500);
    for (const pick of [
      (window: Traffic["windows"][number]) => window.requests,
      (window: Traffic["windows"][number]) => window.inputTokens,
      (window: Traffic["windows"][number]) => window.outputTokens,
    ])
      expect(total(rest, pick) + total(simple, pick)).toBe(total(traffic, pick));
    // Both are measured over the time of the whole trace.
    expect([rest, simple].map(({ windows, windowSeconds }) => windows.length * windowSeconds)).toEqual([
      1800, 1800,
    ]);
  });

  it("takes the work of simple requests from the replicas of the larger model", () => {
    // In each of two windows of 300 s: 540 requests of 1000 and 100 tokens, 600 of 100 and 10.
    const rows = [0, 300].flatMap((start) =>
      Array.from({ length: 1140 }, (_, index) => ({
        at: start + (index * 299) / 1140,
        input: index < 540 ? 1000 : 100,
      })),
    );
    const mixed: Traffic = trafficOfRequests(
      {
        name: "mixed",
        arrivals: Float64Array.from(rows, ({ at }) => at),
        inputTokens: Uint32Array.from(rows, ({ input }) => input),
        outputTokens: Uint32Array.from(rows, ({ input }) => input / 10),
        sharedPrefixTokens: 0,
      },
      600,
    );
    const capacity = { inputTokensPerSecond: 1000, outputTokensPerSecond: 100 };
    const replicas = (each: Traffic | undefined): readonly number[] =>
      each === undefined ? [] : demandOf(each, capacity, { minReplicas: 0, maxReplicas: 9 }).replicas;
    // (540 x 1000 + 600 x 100) / 300 s / 1000 and the same again for output: 4.0 replicas, 4.44 at nine tenths.
    expect(replicas(mixed)).toEqual([5, 5]);
    const after = afterRouting(config, new Map([["claims-assistant", mixed]]));
    // 3.6 replicas at nine tenths, and 0.4.
    expect(replicas(after.get("claims-assistant"))).toEqual([4, 4]);
    expect(replicas(after.get("claims-reasoner"))).toEqual([1, 1]);
  });

  it("leaves traffic alone where no tier is set", () => {
    const same = new Map([["claims-assistant", traffic]]);
    expect(afterRouting(shipped, same)).toEqual(same);
  });

  it("refuses what cannot be split or added", () => {
    const profile: Traffic = { name: "rates", windowSeconds: 600, windows: traffic.windows };
    expect(() => afterRouting(config, new Map([["claims-assistant", profile]]))).toThrow(
      "--trace claims-assistant=rates: a profile has no lengths",
    );
    expect(() =>
      afterRouting(
        config,
        new Map([
          ["claims-assistant", traffic],
          ["claims-reasoner", traffic],
        ]),
      ),
    ).toThrow("'claims-reasoner' would take simple requests of it beside a traffic of its own");
  });
});

describe("leversOf", () => {
  it("lists every lever of the bench with its setting, cache and batching included", () => {
    const levers = leversOf(config);
    const of = (lever: string): unknown =>
      levers.filter((each) => each.lever === lever).map(({ key, state }) => [key, state]);
    expect(of("exact cache")).toEqual([["gateway.cache", "on, per client, 10 minutes"]]);
    expect(of("routing")).toEqual([
      ["models 'claims-assistant'.tiers", "up to 500 tokens to claims-reasoner"],
      ["models 'claims-reasoner'.tiers", "off"],
    ]);
    expect(levers.filter(({ model }) => model === "claims-assistant").map(({ lever }) => lever)).toEqual([
      "autoscaling",
      "off-hours",
      "batching",
      "prefix cache",
      "routing",
      "quantisation",
      "right-sizing",
      "spot",
    ]);
    const off = leversOf({ ...config, gateway: { ...config.gateway, cache: "off" } });
    expect(off[0]).toEqual({ lever: "exact cache", key: "gateway.cache", state: "off" });
  });
});
