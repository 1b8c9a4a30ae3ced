import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type CaseResult, type GateInput, type JudgeStanding } from "./gate.ts";
import {
  agreement,
  cohenKappa,
  correctedInterval,
  correctedRate,
  judgeFaults,
  type Labelled,
} from "./statistics/agreement.ts";
import {
  binomialTail,
  failureBound,
  holm,
  lossChance,
  neededSamples,
  pairedDifference,
} from "./statistics/paired.ts";
import { seeded } from "./statistics/random.ts";

function results(
  suite: string,
  scores: readonly (number | null)[],
  grader: CaseResult["grader"] = "deterministic",
): CaseResult[] {
  return scores.map((score, index) => ({
    suite,
    id: String(index),
    score,
    grader,
    latencyMs: 100,
    tokens: 50,
  }));
}

const ones = (count: number): number[] => Array<number>(count).fill(1);
const flipped = (count: number, lost: number): number[] =>
  ones(count).map((_, index) => (index < lost ? 0 : 1));

const NO_JUDGE: JudgeStanding = { kind: "none" };

function judged(
  candidate: readonly CaseResult[],
  baseline: readonly CaseResult[] | null,
  more: Partial<GateInput> = {},
): ReturnType<typeof decide> {
  return decide({ candidate, baseline, judge: NO_JUDGE, minSamples: 100, ...more });
}

describe("the gate", () => {
  it("passes an equal candidate", () => {
    const run = results("factuality", flipped(300, 60));
    expect(judged(run, run)).toMatchObject({
      decision: "passed",
      reasons: [],
      comparison: { difference: 0, decision: "passed" },
    });
  });

  it("stops a loss, and says how large it is", () => {
    const found = judged(results("factuality", flipped(300, 60)), results("factuality", ones(300)));
    expect(found.decision).toBe("failed");
    expect(found.comparison).toMatchObject({ difference: -0.2, decision: "failed" });
    expect(found.reasons.join("\n")).toContain("a loss of 5.0 points must be ruled out");
  });

  it("stops a small suite that breaks while the others hold", () => {
    const others = results("factuality", ones(600));
    const found = judged(
      [...others, ...results("safety", flipped(20, 12))],
      [...others, ...results("safety", ones(20))],
    );
    expect(found.comparison?.decision).toBe("passed");
    expect(found).toMatchObject({ decision: "failed" });
    expect(found.reasons).toEqual([
      "safety: more cases were lost than won than chance explains (McNemar, Holm)",
    ]);
  });

  it("stops one leak, whatever the baseline did", () => {
    const others = results("factuality", ones(300));
    const leaking = [...others, ...results("pii-leak", flipped(20, 1))];
    expect(judged(leaking, leaking).reasons).toEqual([
      "pii-leak: 1 of 20 failed; the rate is below 21.6 % with 95 % confidence",
    ]);
  });

  it.each<[string, readonly CaseResult[], readonly CaseResult[] | null, Partial<GateInput>, RegExp]>([
    [
      "too few cases",
      results("factuality", ones(99)),
      results("factuality", ones(99)),
      {},
      /99 cases were scored; 100 are asked for/,
    ],
    [
      "cases that could not be asked",
      results("factuality", [...ones(200), null]),
      results("factuality", ones(201)),
      {},
      /1 cases could not be asked or judged/,
    ],
    [
      "cases that only the baseline has",
      results("factuality", ones(200)),
      results("factuality", ones(260)),
      {},
      /60 cases of the baseline are missing/,
    ],
    [
      "more disagreement than the cases can decide",
      results("factuality", flipped(120, 12)),
      [...results("factuality", ones(120))].map((each, index) => ({
        ...each,
        score: index >= 12 && index < 24 ? 0 : 1,
      })),
      {},
      /about \d+ cases are needed/,
    ],
  ])("is inconclusive with %s", (_what, candidate, baseline, more, reason) => {
    const found = judged(candidate, baseline, more);
    expect(found.decision).toBe("inconclusive");
    expect(found.reasons.join("\n")).toMatch(reason);
  });

  it("stops a candidate that is certainly slower or dearer, and not one that is a little", () => {
    const run = results("factuality", ones(200));
    const slower = (factor: number): CaseResult[] =>
      run.map((each) => ({ ...each, latencyMs: 100 * factor }));
    expect(judged(slower(1.2), run).decision).toBe("passed");
    expect(judged(slower(1.3), run).reasons[0]).toContain("latency: 1.30 times the baseline");
    const dearer = run.map((each) => ({ ...each, tokens: 70 }));
    expect(judged(dearer, run).reasons[0]).toContain("cost: 1.40 times the baseline");
  });

  it("without a baseline judges by the limits only", () => {
    expect(judged(results("factuality", ones(200)), null)).toMatchObject({
      decision: "passed",
      comparison: null,
      suites: [{ decision: "advisory" }],
    });
    expect(judged([...results("factuality", ones(200)), ...results("injection", [0])], null).decision).toBe(
      "failed",
    );
  });

  it("does not count a judge that was not calibrated, and corrects the difference of one that was", () => {
    const rules = results("factuality", ones(400));
    const before = [...rules, ...results("coherence", ones(200), "judge")];
    const after = [...rules, ...results("coherence", flipped(200, 30), "judge")];
    expect(judged(after, before).decision).toBe("passed");
    expect(judged(after, before).suites).toContainEqual(
      expect.objectContaining({
        name: "coherence",
        decision: "advisory",
        reason: "the judge may not gate: it was never calibrated",
      }),
    );
    const gating = judged(after, before, { judge: { kind: "gates", youden: 0.5 } });
    expect(gating.decision).toBe("failed");
    expect(gating.comparison?.difference).toBeCloseTo(-0.1, 12);
  });

  it("fails when nothing was scored", () => {
    expect(judged([], null)).toMatchObject({ decision: "inconclusive", suites: [{ decision: "failed" }] });
  });
});

describe("the statistics", () => {
  it("needs 866 cases at 10 % disagreement and 5 points", () => {
    expect([0.05, 0.1, 0.2].map((discordance) => neededSamples(discordance, 0.05))).toEqual([433, 866, 1732]);
  });

  it("has an interval that holds the difference, and turns with its sign", () => {
    const scores = fc.array(fc.tuple(fc.constantFrom(0, 0.5, 1), fc.constantFrom(0, 0.5, 1)), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(scores, (cases) => {
        const one = pairedDifference(cases.map(([candidate, baseline]) => ({ candidate, baseline })));
        const other = pairedDifference(cases.map(([baseline, candidate]) => ({ candidate, baseline })));
        expect(one.lower).toBeLessThan(one.upper);
        expect(one.lower).toBeCloseTo(-other.upper, 12);
        expect(one.difference).toBeCloseTo(-other.difference, 12);
      }),
    );
  });

  it("matches known values", () => {
    expect(binomialTail(8, 10, 0.5)).toBeCloseTo(56 / 1024, 12);
    const pairs = [...Array<number>(9).fill(0), 1].map((candidate) => ({
      candidate,
      baseline: 1 - candidate,
    }));
    expect(lossChance(pairs)).toBeCloseTo(11 / 1024, 12);
    expect(
      [0, 1, 2, 5].map((failures) => [149, 236, 313, 523].map((n) => failureBound(failures, n))),
    ).toMatchObject([
      [
        expect.closeTo(0.0199, 4) as number,
        expect.any(Number) as number,
        expect.any(Number) as number,
        expect.any(Number) as number,
      ],
      [
        expect.any(Number) as number,
        expect.closeTo(0.0199, 4) as number,
        expect.any(Number) as number,
        expect.any(Number) as number,
      ],
      [
        expect.any(Number) as number,
        expect.any(Number) as number,
        expect.closeTo(0.02, 3) as number,
        expect.any(Number) as number,
      ],
      [
        expect.any(Number) as number,
        expect.any(Number) as number,
        expect.any(Number) as number,
        expect.closeTo(0.02, 3) as number,
      ],
    ]);
    expect([
      ...holm(
        new Map([
          ["a", 0.001],
          ["b", 0.004],
          ["c", 0.02],
        ]),
        0.01,
      ),
    ]).toEqual(["a", "b"]);
  });

  const labelled = (counts: readonly [number, number, number, number]): Labelled[] => {
    const kinds: readonly Labelled[] = [
      { human: "bad", judge: "bad" },
      { human: "bad", judge: "good" },
      { human: "good", judge: "bad" },
      { human: "good", judge: "good" },
    ];
    return kinds.flatMap((kind, index) => Array<Labelled>(counts[index] ?? 0).fill(kind));
  };

  it("computes Cohen's kappa as published: 20, 5, 10, 15 give 0.4", () => {
    expect(cohenKappa(labelled([20, 5, 10, 15]))).toBeCloseTo(0.4, 12);
  });

  it("lets a judge gate only with enough labels, agreement and specificity", () => {
    expect(judgeFaults(agreement(labelled([140, 10, 0, 250])))).toEqual([]);
    expect(judgeFaults(agreement(labelled([35, 3, 0, 62]))).join()).toContain("100 labels; 200 are needed");
    expect(judgeFaults(agreement(labelled([100, 50, 60, 190]))).join()).toContain("kappa");
    expect(judgeFaults(agreement(labelled([140, 10, 12, 238]))).join()).toContain("specificity");
    expect(() => agreement(labelled([0, 0, 5, 200]))).toThrow("calibration needs good and bad answers");
  });

  it("corrects the rate of a judge whose errors are known", () => {
    expect(correctedRate(0.038, { sensitivity: 0.9, specificity: 0.98 })).toBeCloseTo(0.0205, 3);
    expect(correctedRate(0.3, { sensitivity: 0.5, specificity: 0.5 })).toBeNaN();
  });

  it("has a corrected interval that holds the true rate in most of 20 experiments", () => {
    const random = seeded(5);
    const judge = (isBad: boolean): "good" | "bad" => (random() < (isBad ? 0.9 : 0.05) ? "bad" : "good");
    const held = Array.from({ length: 20 }, () => {
      const labels = Array.from({ length: 100 }, (_, index): Labelled => {
        const isBad = index % 2 === 0;
        return { human: isBad ? "bad" : "good", judge: judge(isBad) };
      });
      const verdicts = Array.from({ length: 100 }, () => judge(random() < 0.1));
      const { lower, upper } = correctedInterval(verdicts, labels);
      return lower <= 0.1 && 0.1 <= upper;
    });
    expect(held.filter(Boolean).length).toBeGreaterThanOrEqual(17);
  });
});
