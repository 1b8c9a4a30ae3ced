import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fleissKappa, krippendorffAlpha, type Reviewed } from "./reviewers.ts";

const item = (...verdicts: string[]): Reviewed => ({
  reviews: verdicts.map((verdict, index) => ({ reviewer: `r${index}`, verdict })),
});

describe("Krippendorff's alpha", () => {
  it("is what its author works out: ten units, two observers, nominal", () => {
    // Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section B: binary data, two observers, alpha = 0.095.
    const a = "0100000010".split("");
    const b = "1110010000".split("");
    expect(krippendorffAlpha(a.map((value, at) => item(value, b[at] ?? "")))).toBeCloseTo(0.095, 3);
  });

  it.each([
    ["agreement", [item("good", "good"), item("bad", "bad")], 1],
    ["disagreement in everything", [item("good", "bad"), item("bad", "good")], -0.5],
    ["one review each", [item("good"), item("bad")], null],
    ["nothing to tell apart", [item("good", "good")], null],
    ["nothing", [], null],
  ])("of %s", (_what, items, alpha) => {
    expect(krippendorffAlpha(items)).toBe(alpha);
  });

  it("does not depend on the order of things or of reviews, and is at most 1", () => {
    const verdict = fc.constantFrom("good", "bad", "unsure");
    fc.assert(
      fc.property(fc.array(fc.array(verdict, { minLength: 1, maxLength: 4 }), { maxLength: 20 }), (all) => {
        const forward = krippendorffAlpha(all.map((of) => item(...of)));
        const backward = krippendorffAlpha([...all].reverse().map((of) => item(...[...of].reverse())));
        if (forward === null || backward === null) expect(backward).toBe(forward);
        else {
          expect(backward).toBeCloseTo(forward, 12);
          expect(forward).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("Fleiss' kappa", () => {
  it("is what the paper works out for 14 raters of 10 things: 0.210", () => {
    // Table of Fleiss 1971 as reproduced in textbooks: counts of five categories.
    const table = [
      [0, 0, 0, 0, 14],
      [0, 2, 6, 4, 2],
      [0, 0, 3, 5, 6],
      [0, 3, 9, 2, 0],
      [2, 2, 8, 1, 1],
      [7, 7, 0, 0, 0],
      [3, 2, 6, 3, 0],
      [2, 5, 3, 2, 2],
      [6, 5, 2, 1, 0],
      [0, 2, 2, 3, 7],
    ];
    const items = table.map((counts) =>
      item(...counts.flatMap((count, at) => Array<string>(count).fill(String(at)))),
    );
    expect(fleissKappa(items)).toBeCloseTo(0.21, 3);
  });

  it.each([
    ["different numbers of reviews", [item("good", "bad"), item("good")]],
    ["one review each", [item("good"), item("bad")]],
    ["nothing to tell apart", [item("good", "good")]],
    ["nothing", []],
  ])("is unknown with %s", (_what, items) => {
    expect(fleissKappa(items)).toBeNull();
  });
});
