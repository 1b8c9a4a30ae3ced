import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicaParameters } from "../capacity/replica-model.ts";
import { Replica, type ReplicaLimits } from "./replica.ts";
import { StepHeap } from "./step-heap.ts";
import type { Trace } from "./trace.ts";

const parameters: ReplicaParameters = { fixedMs: 10, contextNs: 100, prefillUs: 50, sequenceUs: 100 };

function traceOf(rows: readonly (readonly [number, number, number])[], sharedPrefixTokens = 0): Trace {
  return {
    name: "test",
    arrivals: Float64Array.from(rows, ([at]) => at),
    inputTokens: Uint32Array.from(rows, ([, input]) => input),
    sharedPrefixTokens,
    outputTokens: Uint32Array.from(rows, ([, , output]) => output),
  };
}

interface Times {
  readonly first: number;
  readonly end: number;
}

/** Runs a trace through one replica. */
function served(trace: Trace, limits: ReplicaLimits): Times[] {
  const first: number[] = [];
  const end: number[] = [];
  const replica = new Replica(parameters, limits, trace, {
    firstToken: (request, seconds) => (first[request] = seconds),
    finished: (request, seconds) => (end[request] = seconds),
  });
  trace.arrivals.forEach((at, request) => {
    while (replica.phaseEnd <= at) replica.advance();
    replica.add(request, at);
  });
  while (replica.phaseEnd < Infinity) replica.advance();
  return first.map((value, request) => ({ first: value, end: end[request] ?? Number.NaN }));
}

/** The same engine written step by step, without a heap, stretches or closed forms. */
function stepByStep(trace: Trace, limits: ReplicaLimits): Times[] {
  const times: { first: number; end: number }[] = [];
  const queue: number[] = [];
  let prefilling: { request: number; left: number }[] = [];
  let decoding: { request: number; context: number; left: number }[] = [];
  let now = 0;
  let next = 0;
  const size = (request: number): number =>
    (trace.inputTokens[request] ?? 0) + (trace.outputTokens[request] ?? 0);
  const arrive = (): void => {
    while (next < trace.arrivals.length && (trace.arrivals[next] ?? 0) <= now + 1e-12) queue.push(next++);
  };
  for (;;) {
    arrive();
    if (queue.length + prefilling.length + decoding.length === 0) {
      if (next >= trace.arrivals.length) return times;
      now = trace.arrivals[next] ?? 0;
      continue;
    }
    for (;;) {
      const [request] = queue;
      const inside = [...prefilling, ...decoding];
      const reserved = inside.reduce((sum, { request: other }) => sum + size(other), 0);
      if (
        request === undefined ||
        inside.length >= limits.maxNumSeqs ||
        (inside.length > 0 && reserved + size(request) > limits.cacheTokens)
      )
        break;
      queue.shift();
      prefilling.push({ request, left: trace.inputTokens[request] ?? 0 });
    }
    let budget = Math.max(1, limits.batchedTokens - decoding.length);
    let tokens = 0;
    for (const prompt of prefilling) {
      const taken = Math.min(budget, prompt.left);
      prompt.left -= taken;
      tokens += taken;
      budget -= taken;
      if (prompt.left > 0) break;
    }
    const context = decoding.reduce((sum, sequence) => sum + sequence.context, 0);
    now += (10 + 0.1 * decoding.length) / 1e3 + context * 100e-9 + tokens * 50e-6;
    for (const sequence of decoding) {
      sequence.context++;
      sequence.left--;
      if (sequence.left === 0) (times[sequence.request] ?? { end: 0 }).end = now;
    }
    decoding = decoding.filter(({ left }) => left > 0);
    for (const { request } of prefilling.filter(({ left }) => left === 0)) {
      const output = trace.outputTokens[request] ?? 1;
      times[request] = { first: now, end: now };
      if (output > 1)
        decoding.push({ request, context: (trace.inputTokens[request] ?? 0) + 1, left: output - 1 });
    }
    prefilling = prefilling.filter(({ left }) => left > 0);
  }
}

describe("Replica", () => {
  it("takes for one request the time the four parameters give", () => {
    const [only] = served(traceOf([[1, 1000, 3]]), {
      batchedTokens: 4096,
      maxNumSeqs: 8,
      cacheTokens: 10_000,
    });
    expect(only?.first).toBeCloseTo(1 + 0.01 + 0.05, 9);
    expect(only?.end).toBeCloseTo(1.06 + 2 * 0.0101 + (1001 + 1002) * 100e-9, 9);
  });

  it("agrees with an engine written step by step", () => {
    const request = fc.tuple(
      fc.integer({ min: 0, max: 2000 }).map((ms) => ms / 1000 + 0.000_123),
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 1, max: 60 }),
    );
    // Of requests at the very same moment the first one starts a step by itself; the slow engine would take them together.
    const requests = fc.uniqueArray(request, { minLength: 1, maxLength: 14, selector: ([at]) => at });
    const limits = fc.record({
      batchedTokens: fc.constantFrom(64, 512, 2048),
      maxNumSeqs: fc.integer({ min: 1, max: 6 }),
      cacheTokens: fc.constantFrom(3100, 8000, 100_000),
    });
    fc.assert(
      fc.property(requests, limits, (rows, bounds) => {
        const trace = traceOf(rows.sort(([a], [b]) => a - b));
        const [fast, slow] = [served(trace, bounds), stepByStep(trace, bounds)];
        fast.forEach(({ first, end }, index) => {
          expect(first).toBeCloseTo(slow[index]?.first ?? Number.NaN, 6);
          expect(end).toBeCloseTo(slow[index]?.end ?? Number.NaN, 6);
        });
        expect(fast).toHaveLength(slow.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("StepHeap", () => {
  it("gives back everything in ascending order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 300 }), (keys) => {
        const heap = new StepHeap();
        keys.forEach((key, index) => {
          heap.push(key, index);
        });
        const popped = keys.map(() => keys[heap.pop()] ?? -1);
        expect(popped).toEqual([...keys].sort((a, b) => a - b));
        expect(heap.size).toBe(0);
      }),
    );
  });
});

describe("a prefix that all prompts share", () => {
  it("is computed once: later prompts take exactly its tokens less", () => {
    const rows = [
      [0, 1000, 1],
      [10, 1000, 1],
    ] as const;
    const limits = { batchedTokens: 4096, maxNumSeqs: 8, cacheTokens: 100_000 };
    const times = (shared: number): number[] =>
      served(traceOf(rows, shared), limits).map(({ first }, index) => first - (rows[index]?.[0] ?? 0));
    const [full = 0] = times(0);
    expect(times(0)[1]).toBeCloseTo(full, 9);
    expect(times(600)[0]).toBeCloseTo(full, 9);
    expect(times(600)[1]).toBeCloseTo(full - (600 * parameters.prefillUs) / 1e6, 9);
    // The last token of a prompt is always computed.
    expect(times(5000)[1]).toBeCloseTo(full - (999 * parameters.prefillUs) / 1e6, 9);
  });
});
