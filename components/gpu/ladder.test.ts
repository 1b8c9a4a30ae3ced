import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { karpenterRungs, type CapacityRung } from "./ladder.ts";

const rung = fc.constantFrom<CapacityRung>("reserved", "on-demand", "spot");

describe("karpenterRungs", () => {
  it.each([
    [["on-demand"], [["pool", ["on-demand"], 100]]],
    [["spot", "on-demand"], [["pool", ["spot", "on-demand"], 100]]],
    [["reserved", "spot", "on-demand"], [["pool", ["reserved", "spot", "on-demand"], 100]]],
    [["reserved", "on-demand"], [["pool", ["reserved", "on-demand"], 100]]],
    [
      ["on-demand", "spot"],
      [
        ["on-demand", ["on-demand"], 100],
        ["spot", ["spot"], 99],
      ],
    ],
    [
      ["reserved", "on-demand", "spot"],
      [
        ["reserved", ["reserved"], 100],
        ["on-demand", ["on-demand"], 99],
        ["spot", ["spot"], 98],
      ],
    ],
  ] satisfies [CapacityRung[], unknown[]][])("%j", (ladder, expected) => {
    expect(karpenterRungs(ladder).map(({ suffix, rungs, weight }) => [suffix, rungs, weight])).toEqual(
      expected,
    );
  });

  it("covers every rung once and tries them in the ladder's order", () => {
    fc.assert(
      fc.property(fc.uniqueArray(rung, { minLength: 1, maxLength: 3 }), (ladder) => {
        const pools = karpenterRungs(ladder);
        const byWeight = [...pools].sort((a, b) => b.weight - a.weight);
        expect(byWeight.flatMap(({ rungs }) => rungs)).toEqual(ladder);
        expect(new Set(pools.map(({ suffix }) => suffix)).size).toBe(pools.length);
      }),
    );
  });

  it("refuses flex-start", () => {
    expect(() => karpenterRungs(["flex-start"])).toThrow(new RangeError("'flex-start' exists on GKE only"));
  });
});
