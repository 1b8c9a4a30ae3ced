import { describe, expect, it } from "vitest";
import { Autoscaler } from "./autoscaler.ts";
import { compileQuery } from "./promql.ts";
import { compileScaledObject } from "./scaled-object.ts";
import { SeriesStore } from "./series.ts";

interface Setting {
  readonly min?: number;
  readonly max?: number;
  readonly behavior?: object;
  readonly fallback?: object;
  readonly query?: string;
  readonly ignoreNullValues?: string;
}

function scaler(store: SeriesStore, setting: Setting = {}): Autoscaler {
  const { min = 1, max = 20, behavior, fallback, query = "sum(load)", ignoreNullValues = "false" } = setting;
  return new Autoscaler(
    compileScaledObject({
      minReplicaCount: min,
      maxReplicaCount: max,
      cooldownPeriod: 60,
      ...(fallback === undefined ? {} : { fallback }),
      ...(behavior === undefined ? {} : { advanced: { horizontalPodAutoscalerConfig: { behavior } } }),
      triggers: [{ type: "prometheus", metadata: { query, threshold: "10", ignoreNullValues } }],
    }),
    store,
  );
}

/** Wanted replicas at successive syncs for a load at each of them; undefined is a scrape that failed. */
function decisions(loads: readonly (number | undefined)[], start: number, setting?: Setting): number[] {
  const store = new SeriesStore();
  const autoscaler = scaler(store, setting);
  let current = start;
  return loads.map((load, index) => {
    const now = 15 * (index + 1);
    store.drop("pod", "a");
    if (load !== undefined) store.add("load", { pod: "a" }, now, load);
    current = autoscaler.decide(now, current);
    return current;
  });
}

describe("an HPA driven by KEDA", () => {
  it.each<[string, readonly (number | undefined)[], number, Setting | undefined, number[]]>([
    ["rounds up to enough replicas", [51], 3, undefined, [6]],
    ["does nothing within the tolerance", [32, 32.9], 3, undefined, [3, 3]],
    [
      "takes a smaller tolerance where the object says so",
      [31],
      3,
      {
        behavior: {
          scaleUp: { tolerance: "0.02", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
        },
      },
      [4],
    ],
    ["at most doubles or adds four per period by default", [1000, 1000, 1000], 1, undefined, [5, 10, 20]],
    ["stops at the maximum", [1000, 1000], 15, undefined, [20, 20]],
    [
      "keeps replicas for the stabilization window, then removes all at once",
      [...Array<number>(22).fill(10)],
      4,
      undefined,
      [...Array<number>(20).fill(4), 1, 1],
    ],
    [
      "removes no faster than its policy",
      [10, 10, 10, 10, 10],
      8,
      {
        behavior: {
          scaleDown: {
            stabilizationWindowSeconds: 0,
            policies: [{ type: "Pods", value: 1, periodSeconds: 30 }],
          },
        },
      },
      [7, 7, 6, 6, 5],
    ],
    [
      "does not remove below the minimum",
      [...Array<number>(22).fill(0)],
      4,
      { min: 2 },
      [...Array<number>(20).fill(4), 2, 2],
    ],
    ["keeps its replicas while a metric is missing", [undefined, undefined], 4, undefined, [4, 4]],
    [
      "falls back after the threshold, never below what runs",
      [undefined, undefined, undefined],
      4,
      { fallback: { failureThreshold: 1, replicas: 2, behavior: "currentReplicasIfHigher" } },
      [4, 4, 4],
    ],
    [
      "falls back up to the stated replicas",
      [undefined, undefined],
      2,
      { fallback: { failureThreshold: 1, replicas: 6 } },
      [2, 6],
    ],
    [
      "wakes from zero and sleeps after the cooldown",
      [0, 5, 0, 0, 0, 0, 0],
      0,
      { min: 0 },
      [0, 1, 1, 1, 1, 0, 0],
    ],
    [
      "does not sleep while metrics are lost",
      [0, 5, ...Array<undefined>(8).fill(undefined)],
      0,
      { min: 0, fallback: { failureThreshold: 1, replicas: 1, behavior: "currentReplicasIfHigher" } },
      [0, 1, ...Array<number>(8).fill(1)],
    ],
    [
      "does not sleep while metrics are lost where the fallback is 0 either: KEDA takes what falls back for active",
      [0, 5, ...Array<undefined>(8).fill(undefined)],
      0,
      { min: 0, fallback: { failureThreshold: 1, replicas: 0, behavior: "currentReplicasIfHigher" } },
      [0, 1, ...Array<number>(8).fill(1)],
    ],
    [
      "wakes while metrics are lost, as KEDA does",
      [undefined, undefined, undefined],
      0,
      { min: 0, fallback: { failureThreshold: 1, replicas: 1, behavior: "currentReplicasIfHigher" } },
      [0, 1, 1],
    ],
    [
      "reads nothing as zero where nulls are ignored",
      [...Array<undefined>(22).fill(undefined)],
      4,
      { ignoreNullValues: "true" },
      [...Array<number>(20).fill(4), 1, 1],
    ],
  ])("%s", (_, loads, start, setting, expected) => {
    expect(decisions(loads, start, setting)).toEqual(expected);
  });

  it("takes several series for an error, as KEDA does", () => {
    const store = new SeriesStore();
    const autoscaler = scaler(store, { query: "load", ignoreNullValues: "true" });
    store.add("load", { pod: "a" }, 15, 100);
    expect(autoscaler.decide(15, 4)).toBe(8);
    store.add("load", { pod: "b" }, 30, 100);
    store.add("load", { pod: "a" }, 30, 100);
    expect(autoscaler.decide(30, 8)).toBe(8);
  });

  it("keeps a floor by the clock, wakes for it from zero, and sleeps after it", () => {
    const spec = compileScaledObject({
      minReplicaCount: 0,
      maxReplicaCount: 9,
      cooldownPeriod: 30,
      triggers: [
        {
          type: "cron",
          metadata: { timezone: "UTC", start: "1 0 * * 1", end: "2 0 * * 1", desiredReplicas: "3" },
        },
      ],
    });
    const autoscaler = new Autoscaler(spec, new SeriesStore());
    let current = 0;
    const wanted = [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150].map((now) => {
      current = autoscaler.decide(now, current);
      return current;
    });
    expect(wanted).toEqual([0, 0, 0, 0, 1, 3, 3, 3, 3, 0, 0]);
  });

  it("refuses triggers it cannot simulate", () => {
    expect(() => compileScaledObject({ triggers: [{ type: "kafka", metadata: {} }] })).toThrow(
      "only prometheus and cron triggers are simulated",
    );
  });
});

describe("compileQuery", () => {
  const store = new SeriesStore();
  for (let at = 0; at <= 120; at += 5) {
    store.add("tokens_total", { kind: "input", pod: "a" }, at, 10 * at);
    store.add("tokens_total", { kind: "output", pod: "a" }, at, at);
    store.add("tokens_total", { kind: "output", pod: "b" }, at, at < 60 ? at : at - 60);
    store.add("running", { pod: "m-1-a" }, at, 3);
    store.add("running", { pod: "m-1-b" }, at, 5);
    store.add("running", { pod: "other" }, at, 100);
  }

  it.each([
    ['sum(running{pod=~"m-[0-9]+-[a-z]+"})', 8],
    ['avg(running{pod!="other"})', 4],
    ['max(running{pod!~"o.*"}) - min(running{pod!="other"})', 2],
    ["count(running) * 2", 6],
    ['sum(rate(tokens_total{kind="input"}[1m]))', 10],
    // A counter that was reset goes on from what it had.
    ['sum(rate(tokens_total{kind="output"}[1m]))', 2],
    ['sum(rate(tokens_total{kind="input"}[1m] offset 30s)) / 4', 2.5],
    ["sum(nothing) or vector(7)", 7],
    ["clamp_min(sum(running) - 200, 1)", 1],
    ["(1 + 2) * 3", 9],
    ["clamp_max(sum(running), scalar(count(running)))", 3],
    ["sqrt(avg_over_time((sum(running) ^ 2)[2m:1m]))", 108],
    // Of the minutes before the first sample there is no rate.
    ['avg_over_time((sum(rate(tokens_total{kind="input"}[30s] offset 30s)))[3m:1m])', 10],
  ])("%s", (query, expected) => {
    const answer = compileQuery(query)(store, 120);
    expect(typeof answer === "number" ? answer : answer.map(({ value }) => value)).toEqual(
      typeof answer === "number" ? expected : [expect.closeTo(expected, 6)],
    );
  });

  it("answers nothing when nothing is there, or only what is older than five minutes", () => {
    expect(compileQuery("sum(nothing)")(store, 120)).toEqual([]);
    expect(compileQuery("sum(running)")(store, 500)).toEqual([]);
    expect(compileQuery("running")(store, 120)).toHaveLength(3);
  });

  it.each([
    ["sum(", "is not PromQL"],
    ["histogram_quantile(0.9, x)", "FunctionCall 'histogram_quantile(0.9, x)'"],
    ["sum by (pod) (running)", "AggregateExpr"],
    ["stddev(running)", "AggregateExpr 'stddev(running)'"],
    ["sum(running) % 2", "BinaryExpr"],
  ])("refuses %s", (query, message) => {
    expect(() => compileQuery(query)).toThrow(message);
  });
});
