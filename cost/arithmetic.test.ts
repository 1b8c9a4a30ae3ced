import { Decimal } from "decimal.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apportion, sumOf } from "./apportion.ts";
import { commitmentFor, spotCost } from "./commitments.ts";
import { costDifference, costSideOf, CostSideError, type CostSide, type NamedCost } from "./difference.ts";
import { apiUsdPerRequest } from "./unit-cost.ts";

const cents = fc
  .bigInt({ min: 0n, max: 10n ** 12n })
  .map((amount) => new Decimal(amount.toString()).div(100).toFixed(2));

describe("apportion", () => {
  it("adds up to the amount exactly, and no part is off by more than a cent", () => {
    const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(cents, weights, (usd, weight) => {
        fc.pre(weight.some((each) => each > 0));
        const parts = apportion(usd, weight);
        expect(sumOf(parts)).toBe(usd);
        const sum = weight.reduce((total, each) => total.plus(each), new Decimal(0));
        parts.forEach((part, index) => {
          const fair = new Decimal(usd).times(weight[index] ?? 0).div(sum);
          expect(new Decimal(part).minus(fair).abs().lte("0.01")).toBe(true);
          expect(new Decimal(part).isNegative()).toBe(false);
        });
      }),
    );
  });

  it.each([
    ["100.00", [1, 1, 1], ["33.34", "33.33", "33.33"]],
    ["0.01", [0, 5], ["0.00", "0.01"]],
    ["0.00", [0, 0], ["0.00", "0.00"]],
  ])("splits %s over %j", (usd, weights, parts) => {
    expect(apportion(usd, weights)).toEqual(parts);
  });

  it.each([
    ["a negative weight", [1, -1], "weight 1 is negative: -1"],
    ["nobody to pay", [0, 0], "nothing can take 1.00 USD"],
  ])("refuses %s", (_title, weights, message) => {
    expect(() => apportion("1.00", weights)).toThrow(message);
  });
});

describe("commitmentFor", () => {
  const onDemand = { usdPerHour: "2", source: "test", asOf: "2026-11-25" };

  it("commits to the nodes in use most of the time: a node pays when it runs more than 1 - discount", () => {
    // Node 1 runs always, node 2 half of the time, node 3 a quarter.
    const load = { pool: "p", nodes: [1, 1, 2, 3], onDemand };
    expect(commitmentFor(load, 0.4)).toMatchObject({ nodes: 1 });
    expect(commitmentFor(load, 0.6)).toMatchObject({ nodes: 2 });
    expect(commitmentFor(load, 0.9)).toMatchObject({ nodes: 3 });
    // Mean of 1.75 nodes x 2 USD x 730 h; one node at 60 %, 0.75 by the hour.
    expect(commitmentFor(load, 0.4)).toEqual({
      pool: "p",
      nodes: 1,
      onDemandUsd: "2555.00",
      committedUsd: "1971.00",
      savedUsd: "584.00",
    });
  });

  it("never costs more than no commitment, and no other number of nodes is cheaper", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(12), { minLength: 1, maxLength: 24 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (nodes, discount) => {
          const best = commitmentFor({ pool: "p", nodes, onDemand }, discount);
          const costs = Array.from(
            { length: 14 },
            (_, committed) =>
              nodes.reduce(
                (sum, count) => sum + (committed * (1 - discount) + Math.max(0, count - committed)) * 2 * 730,
                0,
              ) / nodes.length,
          );
          expect(Number(best.committedUsd)).toBeCloseTo(Math.min(...costs), 1);
          expect(Number(best.savedUsd)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it.each([0, 1, -0.1, Number.NaN])("refuses a discount of %d", (discount) => {
    expect(() => commitmentFor({ pool: "p", nodes: [1], onDemand }, discount)).toThrow("not between 0 and 1");
  });
});

describe("spotCost", () => {
  const price = (usdPerHour: string): { usdPerHour: string; source: string; asOf: string } => ({
    usdPerHour,
    source: "test",
    asOf: "2026-11-25",
  });

  it("pays for the minutes an interruption wastes, up to a break-even", () => {
    const cost = spotCost("p", { onDemand: price("2"), spot: price("0.5") }, 60);
    // 4 interruptions of an hour: 20 of 24 hours serve, 0.5 x 24 / 20.
    expect(cost.perUsefulHour[2]).toEqual({ interruptionsPerDay: 4, usd: "0.6" });
    // 18 useless hours a day leave 6 useful ones: 0.5 x 24 / 6 = 2.
    expect(cost.breakEvenPerDay).toBe("18");
  });

  it.each([0, -5, 120])("refuses %d minutes per interruption", (minutes) => {
    expect(() => spotCost("p", { onDemand: price("2"), spot: price("1") }, minutes)).toThrow(
      "is not between",
    );
  });
});

describe("costDifference", () => {
  const named = (name: string, usd: string): NamedCost => ({
    name,
    what: "x",
    monthlyUsd: { min: "0.00", expected: usd, max: usd },
  });
  const side = (title: string, lines: readonly NamedCost[]): CostSide => {
    const total = sumOf(lines.map(({ monthlyUsd }) => monthlyUsd.max));
    return { title, stack: title, lines, monthlyUsd: { min: "0.00", expected: total, max: total } };
  };

  it("names what came, went and changed, without the stacks' own prefix", () => {
    const { lines, totalUsd } = costDifference(
      side("a", [named("a-nat", "10.00"), named("a-gone", "5.00"), named("a-same", "1.00")]),
      side("b", [named("b-nat", "12.50"), named("b-new", "7.00"), named("b-same", "1.00")]),
    );
    expect(lines.map(({ name, change, usd }) => [name, change, usd.max])).toEqual([
      ["gone", "removed", "-5.00"],
      ["nat", "changed", "2.50"],
      ["new", "added", "7.00"],
    ]);
    expect(totalUsd).toEqual({ min: "0.00", expected: "4.50", max: "4.50" });
  });

  it("finds nothing between a stack and itself at a commit", () => {
    const monthlyUsd = { min: "1.00", expected: "1.00", max: "1.00" };
    const plan = { cost: { lines: [{ name: "a-nat", what: "x", monthlyUsd }], monthlyUsd } };
    const before = costSideOf("a", "a at main", JSON.stringify(plan));
    const { lines, totalUsd } = costDifference(before, side("a", [named("a-nat", "1.00")]));
    expect(lines.map(({ name, usd }) => [name, usd.min, usd.max])).toEqual([["nat", "-1.00", "0.00"]]);
    expect(totalUsd.max).toBe("0.00");
    expect(costDifference(before, before).lines).toEqual([]);
  });

  it("adds up to the difference of the totals", () => {
    const lines = fc.array(fc.tuple(fc.constantFrom("nat", "gpu", "disk", "key"), cents), { maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const of = (title: string, list: readonly (readonly [string, string])[]): CostSide =>
          side(
            title,
            list.map(([name, usd]) => named(name, usd)),
          );
        const { lines: changes, totalUsd } = costDifference(of("a", before), of("b", after));
        expect(sumOf(changes.map(({ usd }) => usd.max))).toBe(totalUsd.max);
      }),
    );
  });

  it.each(["", "[]", '{"cost": 3}', "{}"])("refuses a plan that prints %j", (output) => {
    expect(() => costSideOf("a", "a at main", output)).toThrow(CostSideError);
  });
});

describe("apiUsdPerRequest", () => {
  it("is exact where floating point is not", () => {
    // 1 x 0.1 + 2 x 0.1 USD per million: 0.1 + 0.2 in binary is not 0.3.
    expect(
      apiUsdPerRequest({ inputTokens: 1, outputTokens: 2 }, { input: "0.1", output: "0.1" }).toFixed(),
    ).toBe("0.0000003");
  });

  it("counts cached input at its price, or like any input where it has none", () => {
    const mean = { inputTokens: 1000, outputTokens: 0 };
    const price = { input: "2", output: "10" };
    // 250 x 2 + 750 x 0.1 USD per million; else 1000 x 2.
    expect(apiUsdPerRequest(mean, { ...price, cachedInput: "0.1" }, 0.75).toFixed()).toBe("0.000575");
    expect(apiUsdPerRequest(mean, price, 0.75).toFixed()).toBe("0.002");
  });
});
