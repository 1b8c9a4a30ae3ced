import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type CaseResult } from "../gate.ts";
import type { HumanLabel } from "../labels/labels.ts";
import { correctedRate } from "../statistics/agreement.ts";
import {
  calibrate,
  calibrationFaults,
  lengthPreference,
  majority,
  readCalibration,
  standingOf,
} from "./calibration.ts";
import type { VerdictLine } from "./verdicts.ts";

const NOW = new Date("2026-11-26T00:00:00.000Z");
const DIGEST = "0".repeat(64);
type Verdict = "good" | "bad" | "undecided";

function pair(
  index: number,
  human: "good" | "bad",
  judge: Verdict,
  characters = 10,
): [HumanLabel, VerdictLine] {
  const where = { suite: "s", id: `c-${index}`, repeat: 0 };
  const reviews = ["ls-1", "ls-2"].map((reviewer) => ({ reviewer, verdict: human }));
  return [
    { ...where, answer: DIGEST, reviews },
    {
      ...where,
      version: "judge-1",
      verdict: judge,
      reason: "",
      answer: DIGEST,
      characters,
      inputTokens: 1,
      outputTokens: 1,
    },
  ];
}

/** Labels and verdicts: bad found, bad missed, good called bad, good passed. */
function measured(
  [found, missed, strict, passed]: readonly [number, number, number, number],
  charactersOf: (human: "good" | "bad", judge: Verdict) => number = () => 10,
): { labels: HumanLabel[]; verdicts: VerdictLine[] } {
  const kinds = [
    ...Array<["bad", "bad"]>(found).fill(["bad", "bad"]),
    ...Array<["bad", "good"]>(missed).fill(["bad", "good"]),
    ...Array<["good", "bad"]>(strict).fill(["good", "bad"]),
    ...Array<["good", "good"]>(passed).fill(["good", "good"]),
  ] as const;
  const pairs = kinds.map(([human, judge], index) => pair(index, human, judge, charactersOf(human, judge)));
  return { labels: pairs.map(([label]) => label), verdicts: pairs.map(([, verdict]) => verdict) };
}

const of = (counts: readonly [number, number, number, number]): ReturnType<typeof calibrate> => {
  const { labels, verdicts } = measured(counts);
  return calibrate(labels, verdicts, NOW);
};

describe("the calibration of a judge", () => {
  it("has the figures of a table worked out by hand: 20, 5, 10, 15", () => {
    const found = of([20, 5, 10, 15]);
    expect(found).toMatchObject({
      schema: "llmops.judge-calibration/v1",
      version: "judge-1",
      measuredAt: NOW.toISOString(),
      labels: 50,
      sensitivity: 0.8,
      specificity: 0.6,
      undecided: 0,
      reviewers: 1,
      badAnswers: { observed: 0.6 },
    });
    expect(found.kappa).toBeCloseTo(0.4, 12);
    // (0.6 + 0.6 - 1) / (0.8 + 0.6 - 1) = 0.5, which is what people say: 25 of 50.
    expect(found.badAnswers.rate).toBeCloseTo(0.5, 12);
    expect(readCalibration(JSON.parse(JSON.stringify(found)))).toEqual(found);
  });

  it("counts an answer it could not decide as wrong", () => {
    const [good, bad] = [pair(1, "good", "undecided"), pair(2, "bad", "bad")];
    const found = calibrate([good[0], bad[0]], [good[1], bad[1]], NOW);
    expect(found).toMatchObject({ undecided: 1, specificity: 0, sensitivity: 1 });
  });

  it("counts no label of another answer", () => {
    const { labels, verdicts } = measured([2, 0, 0, 2]);
    const moved = labels.map((label, index) => (index === 0 ? { ...label, answer: "1".repeat(64) } : label));
    expect(calibrate(moved, verdicts, NOW).labels).toBe(3);
  });

  it.each([
    ["no verdict", [1, 0, 0, 1] as const, [] as string[], "run `llmops eval judge` first"],
    ["two judges", [1, 0, 0, 1] as const, ["judge-2"], "the verdicts are of two judges"],
    ["one kind of answer", [0, 0, 1, 9] as const, ["judge-1"], "good and bad answers are needed"],
  ])("refuses %s", (_what, counts, versions, message) => {
    const { labels, verdicts } = measured(counts);
    const changed = verdicts
      .slice(0, versions.length === 0 ? 0 : undefined)
      .map((each, index) => ({ ...each, version: versions[index] ?? each.version }));
    expect(() => calibrate(labels, changed, NOW)).toThrow(message);
  });

  it("is nothing but a calibration", () => {
    expect(() => readCalibration({ schema: "llmops.judge-calibration/v1" })).toThrow("version");
  });
});

describe("what most people say", () => {
  const label = (...verdicts: ("good" | "bad" | "unsure")[]): HumanLabel => ({
    ...pair(1, "good", "good")[0],
    reviews: verdicts.map((verdict, index) => ({ reviewer: `r${index}`, verdict })),
  });
  it.each([
    [["good"], "good"],
    [["good", "bad"], undefined],
    [["good", "bad", "bad"], "bad"],
    [["unsure", "unsure", "bad"], "bad"],
    [["unsure"], undefined],
  ] as const)("%j is %s", (verdicts, expected) => {
    expect(majority(label(...verdicts))).toBe(expected);
  });
});

describe("a judge may gate", () => {
  const right = of([140, 10, 0, 250]);

  it("with enough labels, agreement and specificity", () => {
    expect(calibrationFaults(right, "judge-1", NOW)).toEqual([]);
  });

  it.each([
    ["judged as another", {}, "judge-2", NOW, "it was calibrated as judge-1, and judged as judge-2"],
    ["few labels", { labels: 199 }, "judge-1", NOW, "199 labels; 200 are needed"],
    ["low kappa", { kappaLower: 0.59 }, "judge-1", NOW, "the lower end of kappa 0.59 is below 0.6"],
    [
      "low specificity",
      { specificityLower: 0.97 },
      "judge-1",
      NOW,
      "the lower end of specificity 0.97 is below 0.98",
    ],
    ["long answers", { lengthPreferenceLower: 0.01 }, "judge-1", NOW, "it prefers long answers"],
    [
      "an old calibration",
      {},
      "judge-1",
      new Date("2027-03-01T00:00:00Z"),
      "its calibration is 95 days old; 90 are the most",
    ],
    [
      "one from the future",
      {},
      "judge-1",
      new Date("2026-11-20T00:00:00Z"),
      "its calibration is from the future",
    ],
    [
      "one reviewer",
      { reviewers: null },
      "judge-1",
      NOW,
      "one person labelled alone, so nobody knows whether people agree",
    ],
    [
      "people who disagree",
      { reviewers: 0.5 },
      "judge-1",
      NOW,
      "people agree with an alpha of 0.50 only; 0.667 is needed",
    ],
  ] as const)("not with %s", (_what, change, version, now, fault) => {
    expect(calibrationFaults({ ...right, ...change }, version, now)).toEqual([fault]);
    expect(standingOf({ ...right, ...change }, version, now)).toMatchObject({
      standing: { kind: "advisory", faults: [fault] },
      record: { mayGate: "no" },
    });
  });

  it("never without a calibration", () => {
    expect(standingOf(undefined, "judge-1", NOW)).toEqual({
      standing: { kind: "advisory", faults: ["it was never calibrated"] },
      record: null,
    });
  });

  it("and then its differences are scaled by what it misses", () => {
    expect(standingOf(right, "judge-1", NOW).standing).toEqual({
      kind: "gates",
      youden: right.sensitivity + right.specificity - 1,
    });
  });
});

describe("verdicts in the gate", () => {
  const results = (score: (index: number) => number): CaseResult[] =>
    Array.from({ length: 400 }, (_, index) => ({
      suite: "usefulness",
      id: `c-${index}`,
      score: score(index),
      grader: "judge",
      latencyMs: 10,
      tokens: 10,
    }));
  const gate = (judge: Parameters<typeof decide>[0]["judge"]): ReturnType<typeof decide> =>
    decide({
      // A quarter of the good answers is lost.
      candidate: results((index) => (index % 4 === 0 ? 0 : 1)),
      baseline: results(() => 1),
      judge,
      minSamples: 200,
    });

  it("stop a candidate only when the judge may gate", () => {
    expect(gate({ kind: "gates", youden: 0.9 }).decision).toBe("failed");
    const advice = gate({ kind: "advisory", faults: ["it was never calibrated"] });
    expect(advice.suites[0]).toMatchObject({ decision: "advisory", grader: "judge" });
    // What is advice only is no evidence: nothing else was asked, so nothing is shown, and the gate stays closed.
    expect(advice.decision).toBe("inconclusive");
  });
});

describe("a preference for long answers", () => {
  it("is seen where its mistakes follow the length, and not where they do not", () => {
    const kind = measured([50, 50, 0, 100], (human, judge) =>
      human === "bad" && judge === "good" ? 900 : 100,
    );
    const found = calibrate(kind.labels, kind.verdicts, NOW);
    expect(found.lengthPreferenceLower).toBeGreaterThan(0);
    const even = measured([50, 50, 0, 100], () => 100);
    expect(calibrate(even.labels, even.verdicts, NOW).lengthPreference).toBe(0);
  });

  it("is between -1 and 1 whatever the lengths are", () => {
    const kind = fc.constantFrom("good" as const, "bad" as const);
    fc.assert(
      fc.property(
        fc.array(fc.record({ human: kind, judge: kind, characters: fc.nat(10_000) }), {
          minLength: 2,
          maxLength: 40,
        }),
        (pairs) => {
          const value = lengthPreference(pairs);
          expect(value).toBeGreaterThanOrEqual(-1);
          expect(value).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe("the corrected rate of bad answers", () => {
  it("gives back the true rate behind what a judge with known errors reports", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        share,
        fc.double({ min: 0.6, max: 1, noNaN: true }),
        fc.double({ min: 0.6, max: 1, noNaN: true }),
        (rate, sensitivity, specificity) => {
          const observed = rate * sensitivity + (1 - rate) * (1 - specificity);
          expect(correctedRate(observed, { sensitivity, specificity })).toBeCloseTo(rate, 9);
        },
      ),
    );
  });
});
