import { describe, expect, it } from "vitest";
import { READOUT_RULES, readout, splitChance, type VariantSample } from "./readout.ts";
import { samplesFromCounts } from "./samples.ts";

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Looked {
  readonly sequential: "better" | "worse" | "undecided";
  readonly naive: "called" | "open";
}

/** One comparison, looked at after every 100 units per variant, up to 5000. */
function experiment(random: () => number, rates: readonly [number, number]): Looked {
  const successes = [0, 0];
  let sequential: Looked["sequential"] = "undecided";
  let naive: Looked["naive"] = "open";
  for (let units = 1; units <= 5_000; units += 1) {
    for (const arm of [0, 1] as const) if (random() < rates[arm]) successes[arm] = (successes[arm] ?? 0) + 1;
    if (units % 100 !== 0) continue;
    const [a = 0, b = 0] = successes.map((count) => count / units);
    const error = Math.sqrt((a * (1 - a) + b * (1 - b)) / units);
    if (Math.abs(b - a) > 1.96 * error) naive = "called";
    const samples = successes.map((count, arm): VariantSample => ({
      version: String(arm),
      units,
      sum: count,
      sumOfSquares: count,
    }));
    const verdict = readout(samples)[0]?.verdict;
    if (sequential === "undecided" && (verdict === "better" || verdict === "worse")) sequential = verdict;
  }
  return { sequential, naive };
}

function share<T>(items: readonly T[], isCounted: (item: T) => boolean): number {
  return items.filter(isCounted).length / items.length;
}

describe("the readout of a comparison", () => {
  it("calls equal prompts different in at most 5 % of 400 comparisons with 50 looks each; a plain test in far more", () => {
    const random = numbers(7);
    const runs = Array.from({ length: 400 }, () => experiment(random, [0.8, 0.8]));
    expect(share(runs, ({ sequential }) => sequential !== "undecided")).toBeLessThanOrEqual(0.05);
    expect(share(runs, ({ naive }) => naive === "called")).toBeGreaterThan(0.2);
  });

  it("finds five points within 5000 units per variant in at least 95 % of 200 comparisons, with the right sign", () => {
    const random = numbers(11);
    const runs = Array.from({ length: 200 }, () => experiment(random, [0.8, 0.75]));
    expect(share(runs, ({ sequential }) => sequential === "worse")).toBeGreaterThanOrEqual(0.95);
    expect(share(runs, ({ sequential }) => sequential === "better")).toBe(0);
  });

  it("concludes nothing from too few units, however clear they look", () => {
    const samples = samplesFromCounts("counts.json", {
      variants: [
        { version: "1", units: 199, successes: 199 },
        { version: "2", units: 199, successes: 0 },
      ],
    });
    expect(readout(samples)[0]).toMatchObject({ difference: -1, verdict: "too-few-units" });
    expect(readout(samples, { ...READOUT_RULES, minUnits: 100 })[0]?.verdict).toBe("worse");
  });

  it("is not certain of a variant without failures", () => {
    const samples = samplesFromCounts("counts.json", {
      variants: [
        { version: "1", units: 300, successes: 300 },
        { version: "2", units: 300, successes: 300 },
      ],
    });
    const [result] = readout(samples);
    expect(result).toMatchObject({ difference: 0, verdict: "undecided", pValue: 1 });
    expect(result?.upper).toBeGreaterThan(0.005);
  });

  it("asks more of each variant when several are compared", () => {
    const one = { version: "1", units: 1_000, sum: 800, sumOfSquares: 800 };
    const two = { version: "2", units: 1_000, sum: 860, sumOfSquares: 860 };
    const [alone] = readout([one, two]);
    const [among] = readout([one, two, { ...one, version: "3" }]);
    expect(among?.upper).toBeGreaterThan(alone?.upper ?? 1);
    expect(among?.pValue).toBeCloseTo(2 * (alone?.pValue ?? 0), 12);
  });

  it("notices a split that the weights do not explain", () => {
    expect(splitChance([{ units: 9_000 }, { units: 1_000 }], [9, 1])).toBe(1);
    expect(splitChance([{ units: 5_000 }, { units: 5_000 }], [9, 1])).toBeLessThan(1e-9);
    expect(splitChance([{ units: 5_100 }, { units: 4_900 }], [1, 1])).toBeCloseTo(0.091, 3);
  });

  it.each([
    [
      { variants: [{ version: "1", units: 1, successes: 1 }] },
      "counts.json: variants: give the control first",
    ],
    [
      {
        variants: [
          { version: "1", units: 1, successes: 2 },
          { version: "2", units: 1, successes: 1 },
        ],
      },
      "counts.json: variants[0]: there are more successes than units",
    ],
    [[], "counts.json: the file: "],
  ])("refuses counts that cannot be", (value, message) => {
    expect(() => samplesFromCounts("counts.json", value)).toThrow(message);
  });
});
