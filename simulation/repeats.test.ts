import { describe, expect, it } from "vitest";
import { asked, cacheMisses, routed } from "./repeats.ts";
import type { Trace } from "./trace.ts";

function traceOf(rows: readonly (readonly [at: number, input: number, output: number])[]): Trace {
  return {
    name: "test",
    arrivals: Float64Array.from(rows, ([at]) => at),
    inputTokens: Uint32Array.from(rows, ([, input]) => input),
    outputTokens: Uint32Array.from(rows, ([, , output]) => output),
    sharedPrefixTokens: 0,
  };
}

const everyTen = traceOf(Array.from({ length: 6 }, (_, index) => [10 * index, 100 + index, 10]));
const one = { share: 1, questions: 1, streamed: 0, clients: 1, seed: 1 };
const cache = { gateways: 1, seconds: 25, entries: 10, tokenMs: 100, seed: 1 };

describe("requests that repeat", () => {
  it("have the lengths of their first time, and reach an engine again when the answer has expired", () => {
    const questions = asked(everyTen, one);
    expect([...questions.trace.inputTokens]).toEqual([100, 100, 100, 100, 100, 100]);
    // Answered after 1 s, kept for 25: the requests at 10 and 20 s hit, the one at 30 s asks anew.
    expect([...cacheMisses(questions, cache).arrivals]).toEqual([0, 30]);
  });

  it("all reach an engine while the first answer is not there yet", () => {
    const slow = { ...cache, tokenMs: 2500 };
    expect([...cacheMisses(asked(everyTen, one), slow).arrivals]).toEqual([0, 10, 20]);
  });

  it.each([
    ["as streams", { streamed: 1 }],
    ["not at all", { share: 0 }],
  ])("never hit %s", (_, changed) => {
    expect(cacheMisses(asked(everyTen, { ...one, ...changed }), cache).arrivals).toHaveLength(6);
  });

  it("share no answers between clients", () => {
    const questions = asked(everyTen, { ...one, clients: 1000 });
    expect(new Set(questions.keys).size).toBe(6);
    expect(cacheMisses(questions, cache).arrivals).toHaveLength(6);
  });
});

describe("routing by complexity", () => {
  it("sends each request one way, by the gateway's own bound", () => {
    const { simple, rest } = routed(everyTen, { maxInputTokens: 102 });
    expect([[...simple.inputTokens], [...rest.inputTokens]]).toEqual([
      [100, 101, 102],
      [103, 104, 105],
    ]);
  });
});
