import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EvalCase } from "../case.ts";
import { boundOf, chargeOf, SpendCap, type RunPrice, type Usage } from "./spend.ts";

const PRICE: RunPrice = { inputUsdPerMillion: 2, outputUsdPerMillion: 10, usdPerHour: 3.6 };
const limits = { maxTokens: 10, promptBytes: 100, maxCaseMs: 60_000 };

function caseOf(change: Partial<EvalCase> = {}): EvalCase {
  return {
    id: "a",
    suite: "factuality",
    questions: ["12345678"],
    tools: [],
    grader: { kind: "contains", any: ["x"] },
    ...change,
  };
}

describe("what a case may cost", () => {
  it("is tokens and the hour of the machine", () => {
    // 1000 input at 2, 100 output at 10 USD per million, 1 s at 3.60 USD per hour.
    expect(chargeOf({ inputTokens: 1_000, outputTokens: 100, ms: 1_000 }, PRICE)).toBeCloseTo(0.004, 12);
  });

  it("is bounded by bytes, turns, and the time after which it is broken off", () => {
    // System message 100, no tools "{}" 2, question 8, and 32 for the template of each of the two messages.
    expect(boundOf(caseOf(), limits)).toEqual({ inputTokens: 174, outputTokens: 10, ms: 61_000 });
    const twice = boundOf(caseOf({ questions: ["12345678", "ñandú"] }), limits);
    expect(twice).toEqual({ inputTokens: 174 + 173, outputTokens: 20, ms: 61_000 });
    const tool = { name: "f", description: "d", parameters: {}, result: "r" };
    expect(boundOf(caseOf({ tools: [tool] }), limits).outputTokens).toBe(60);
  });
});

describe("a cap", () => {
  const usd = fc.double({ min: 0, max: 1, noNaN: true });
  /** A call: what it may cost, the share of it that it does cost, and how many calls are in flight when it ends. */
  const calls = fc.array(fc.record({ bound: usd, share: usd, inFlight: fc.nat(4) }), { maxLength: 60 });

  it("is never passed by calls within their bounds, in whatever order they end", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 5, noNaN: true }), calls, (maxUsd, all) => {
        const cap = new SpendCap(maxUsd, 0);
        const open: (() => void)[] = [];
        let exact = 0;
        for (const { bound, share, inFlight } of all) {
          const room = cap.reserve(bound);
          if (room !== undefined)
            open.push(() => {
              exact += bound * share;
              room.settle(bound * share);
            });
          while (open.length > inFlight) open.shift()?.();
          expect(cap.spentUsd).toBeLessThanOrEqual(maxUsd);
        }
        for (const end of open) end();
        expect(cap.spentUsd).toBeLessThanOrEqual(maxUsd);
        // Rounded up by a billionth a call, never down.
        expect(cap.spentUsd).toBeGreaterThanOrEqual(exact - 1e-9);
        expect(cap.spentUsd).toBeLessThanOrEqual(exact + (all.length + 1) * 1e-9);
      }),
    );
  });

  it("refuses only what could pass it: a refused call and all that may be spent are more than it", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 5, noNaN: true }),
        fc.array(usd, { maxLength: 40 }),
        (maxUsd, bounds) => {
          const cap = new SpendCap(maxUsd, 0);
          let held = 0;
          for (const bound of bounds) {
            if (cap.reserve(bound) === undefined)
              expect(held + bound).toBeGreaterThan(maxUsd - (bounds.length + 2) * 1e-9);
            else held += bound;
          }
        },
      ),
    );
  });

  it("counts what an earlier part spent, and lets through what is free", () => {
    const cap = new SpendCap(1, 0.75);
    expect(cap.reserve(0.26)).toBeUndefined();
    cap.reserve(0.25)?.settle(0.1);
    expect(cap.spentUsd).toBeCloseTo(0.85, 9);
    expect(new SpendCap(0, 0).reserve(0)).toBeDefined();
    expect(new SpendCap(0, 0).reserve(1e-9)).toBeUndefined();
    expect(new SpendCap(Infinity, 0).reserve(1e9)).toBeDefined();
  });

  it("charges in full what passes its bound, and then lets nothing more through", () => {
    const cap = new SpendCap(1, 0);
    cap.reserve(0.5)?.settle(2);
    expect([cap.spentUsd, cap.reserve(0)]).toEqual([2, undefined]);
  });
});

it("two usages cost what their sum costs", () => {
  const usage = fc.record({ inputTokens: fc.nat(1e6), outputTokens: fc.nat(1e6), ms: fc.nat(1e7) });
  fc.assert(
    fc.property(usage, usage, (a, b) => {
      const sum: Usage = {
        inputTokens: a.inputTokens + b.inputTokens,
        outputTokens: a.outputTokens + b.outputTokens,
        ms: a.ms + b.ms,
      };
      expect(chargeOf(sum, PRICE)).toBeCloseTo(chargeOf(a, PRICE) + chargeOf(b, PRICE), 6);
    }),
  );
});
