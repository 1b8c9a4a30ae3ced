import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../api/endpoint.ts";
import { checkConfig } from "../config/load.ts";
import type { ClientConfig, ModelConfig } from "../config/schema.ts";
import { configFor } from "../testing/gateway-under-test.ts";
import { Breaker } from "./breaker.ts";
import { AnswerCache } from "./cache.ts";
import { routesFor } from "./complexity.ts";
import { ExpectedOutput } from "./demand.ts";
import type { Priority } from "./gate.ts";
import { Gate } from "./gate.ts";
import { LocalLimits } from "./local-limits.ts";
import { LocalTraceLimits } from "./local-traces.ts";
import { costOf, nanosOf } from "./money.ts";
import { fractionOf, planFor } from "./plan.ts";
import { withPrompt } from "./prompts.ts";

const { config } = checkConfig(configFor("/nowhere", ["http://a", "http://b"]));
const model = config.models[0] as ModelConfig;
const client = config.clients[0] as ClientConfig;

describe("money", () => {
  it.each([
    ["12.50", 12_500_000_000n],
    ["0.000000001", 1n],
    ["7", 7_000_000_000n],
  ])("reads %s exactly", (amount, nanos) => {
    expect(nanosOf(amount)).toBe(nanos);
  });

  it("rounds a cost up and never guesses a price", () => {
    const price = {
      currency: "USD",
      inputPerMillion: "0.0375",
      outputPerMillion: "0.15",
      source: "test",
      asOf: "2026-11-24",
    };
    expect(costOf(price, { input: 1, output: 0 })).toBe(38n);
    expect(costOf(price, { input: 1_000_000, output: 1_000_000 })).toBe(187_500_000n);
    expect(costOf(null, { input: 5, output: 5 })).toBeNull();
  });

  it("prices cached input as such only where a price says so", () => {
    const price = {
      currency: "USD",
      inputPerMillion: "2.00",
      outputPerMillion: "10.00",
      source: "test",
      asOf: "2026-11-24",
    };
    const tokens = { input: 1_000_000, cachedInput: 750_000, output: 0 };
    expect(costOf(price, tokens)).toBe(2_000_000_000n);
    // 250,000 x 2 USD + 750,000 x 0.10 USD per million
    expect(costOf({ ...price, cachedInputPerMillion: "0.10" }, tokens)).toBe(575_000_000n);
  });
});

describe("LocalLimits", () => {
  it("never commits more than the budget, whatever the order of reservations and settlements", async () => {
    const budgeted: ClientConfig = {
      ...client,
      budget: { currency: "USD", amount: "0.000001", period: "day" },
    };
    const step = fc.record({
      cost: fc.bigInt({ min: 0n, max: 400n }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      settle: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const limits = new LocalLimits(() => 0);
        let spent = 0n;
        for (const { cost, used, settle } of steps) {
          const reservation = await limits.reserve(budgeted, { tokens: 1, cost });
          if (reservation.kind === "refused") {
            expect(spent + cost).toBeGreaterThan(1000n);
            continue;
          }
          const real = settle ? BigInt(Math.floor(Number(cost) * used)) : cost;
          if (settle) await reservation.settle({ tokens: 1, cost: real });
          if (settle) await reservation.settle({ tokens: 0, cost: 0n });
          spent += real;
          expect(spent).toBeLessThanOrEqual(1000n);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("starts again with the period and says when", async () => {
    let now = Date.UTC(2026, 10, 24, 23, 59, 0);
    const limits = new LocalLimits(() => now);
    const budgeted: ClientConfig = { ...client, budget: { currency: "USD", amount: "1", period: "day" } };
    expect((await limits.reserve(budgeted, { tokens: 1, cost: nanosOf("1") })).kind).toBe("granted");
    expect(await limits.reserve(budgeted, { tokens: 1, cost: 1n })).toEqual({
      kind: "refused",
      reason: "budget",
      retryAfterSeconds: 60,
    });
    now += 60_000;
    expect((await limits.reserve(budgeted, { tokens: 1, cost: 1n })).kind).toBe("granted");
  });

  it("refills tokens with time and ignores a clock that goes back", async () => {
    let now = 60_000;
    const limits = new LocalLimits(() => now);
    const small: ClientConfig = { ...client, tokensPerMinute: 100 };
    expect((await limits.reserve(small, { tokens: 100, cost: null })).kind).toBe("granted");
    now = 0;
    expect(await limits.reserve(small, { tokens: 50, cost: null })).toMatchObject({
      reason: "tokens",
      retryAfterSeconds: 30,
    });
    now = 30_000;
    expect((await limits.reserve(small, { tokens: 50, cost: null })).kind).toBe("granted");
  });
});

describe("LocalTraceLimits", () => {
  it("stops a run after its time", async () => {
    let now = 0;
    const traces = new LocalTraceLimits(() => now);
    const trace = {
      required: "no",
      maxSteps: 9,
      maxSeconds: 60,
      maxTokens: 9,
      maxCost: null,
      maxToolCalls: null,
      maxRepeats: 3,
    } as const;
    const limited: ClientConfig = { ...client, trace };
    expect(await traces.step(limited, "t")).toEqual({ kind: "step", number: 1 });
    now = 60_001;
    expect(await traces.step(limited, "t")).toEqual({ kind: "refused", reason: "trace-seconds" });
    expect(await traces.step(limited, null)).toEqual({ kind: "no-run" });
  });
});

describe("Gate", () => {
  it("lets the higher priority go first and gives it the place of the lowest when the queue is full", async () => {
    const gate = new Gate(1, 2, 10_000);
    const first = await gate.enter("low");
    const order: string[] = [];
    const wait = (priority: Priority): Promise<void> =>
      gate.enter(priority).then((admission) => {
        order.push(`${priority} ${admission.kind}`);
        if (admission.kind === "admitted") admission.leave();
      });
    const waiting = [wait("low"), wait("normal"), wait("high"), wait("low")];
    expect([gate.running, gate.queued]).toEqual([1, 2]);
    if (first.kind === "admitted") first.leave();
    await Promise.all(waiting);
    expect(order).toEqual(["low shed", "low shed", "high admitted", "normal admitted"]);
    expect([gate.running, gate.queued]).toEqual([0, 0]);
  });

  it("sheds after the longest wait", async () => {
    const gate = new Gate(1, 1, 5);
    await gate.enter();
    expect((await gate.enter("high")).kind).toBe("shed");
    expect(gate.queued).toBe(0);
  });
});

describe("routesFor", () => {
  const cheap = [{ upstream: "engine-0", model: "cheap", weight: 1 }];
  const tiered: ModelConfig = {
    ...model,
    tiers: [{ maxInputTokens: 100, maxMessages: 2, tools: "none", routes: cheap }],
  };

  it.each([
    ["a short question", { inputTokens: 100, messages: 2, tools: 0 }, "cheap"],
    ["a long one", { inputTokens: 101, messages: 1, tools: 0 }, "engine-model"],
    ["a long conversation", { inputTokens: 50, messages: 3, tools: 0 }, "engine-model"],
    ["one with tools", { inputTokens: 50, messages: 1, tools: 1 }, "engine-model"],
  ])("takes the cheapest tier that fits: %s", (_what, size, expected) => {
    expect(routesFor(tiered, size)[0]?.model).toBe(expected);
  });
});

describe("withPrompt", () => {
  it.each([
    [
      "/v1/chat/completions",
      { messages: [{ role: "user", content: "q" }] },
      {
        messages: [
          { role: "system", content: "S" },
          { role: "user", content: "q" },
        ],
      },
    ],
    ["/v1/messages", { system: "own" }, { system: "S\n\nown" }],
    [
      "/v1/messages",
      { system: [{ type: "text", text: "own" }] },
      {
        system: [
          { type: "text", text: "S" },
          { type: "text", text: "own" },
        ],
      },
    ],
    ["/v1/messages", {}, { system: "S" }],
    ["/v1/responses", { instructions: "own" }, { instructions: "S\n\nown" }],
    ["/v1/responses", {}, { instructions: "S" }],
  ] as const)("puts the prompt first in the form of %s", (path, body, expected) => {
    const variant = { system: "S", settings: {} };
    expect(withPrompt(path, structuredClone(body) as JsonObject, variant)).toEqual(expected);
  });

  it("replaces the caller's settings by those of the prompt and leaves the others", () => {
    const body = { messages: [], temperature: 2, top_p: 0.5 };
    expect(
      withPrompt("/v1/chat/completions", body, { system: "S", settings: { temperature: 0.2 } }),
    ).toMatchObject({ temperature: 0.2, top_p: 0.5 });
  });
});

describe("ExpectedOutput", () => {
  it("begins with a quarter of the limit and follows what answers have", () => {
    const expected = new ExpectedOutput();
    expect(expected.of("m", 400)).toBe(100);
    expected.seen("m", 20);
    expect(expected.of("m", 400)).toBe(20);
    expected.seen("m", 40);
    expect(expected.of("m", 400)).toBe(21);
    expect(expected.of("m", 10)).toBe(10);
  });
});

describe("planFor", () => {
  const weighted: ModelConfig = {
    ...model,
    attempts: 3,
    routes: [
      { upstream: "engine-0", model: "a", weight: 9 },
      { upstream: "engine-1", model: "b", weight: 1 },
    ],
    fallbacks: [{ upstream: "engine-1", model: "c" }],
  };

  it("chooses by weight and lists the others after", () => {
    expect(planFor(weighted, weighted.routes, 0.89).map((target) => target.model)).toEqual(["a", "b", "c"]);
    expect(planFor(weighted, weighted.routes, 0.9).map((target) => target.model)).toEqual(["b", "a", "c"]);
  });

  it("keeps shares near the weights when sticky", () => {
    const draws = Array.from(
      { length: 5000 },
      (_, at) => planFor(weighted, weighted.routes, fractionOf(`user ${at}`))[0]?.model,
    );
    const share = draws.filter((name) => name === "b").length / draws.length;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.12);
    expect(planFor(weighted, weighted.routes, fractionOf("user 7"))).toEqual(
      planFor(weighted, weighted.routes, fractionOf("user 7")),
    );
  });
});

describe("Breaker", () => {
  it("opens after failures in a row, lets one probe through and closes on success", () => {
    let now = 0;
    const breaker = new Breaker({ failures: 2, openMs: 100 }, () => now);
    breaker.failed();
    breaker.succeeded();
    breaker.failed();
    expect(breaker.open).toBe(false);
    breaker.failed();
    expect([breaker.open, breaker.tryAcquire()]).toEqual([true, false]);
    now = 100;
    expect([breaker.tryAcquire(), breaker.tryAcquire()]).toEqual([true, false]);
    breaker.failed();
    expect(breaker.tryAcquire()).toBe(false);
    now = 200;
    expect(breaker.tryAcquire()).toBe(true);
    breaker.succeeded();
    expect([breaker.open, breaker.tryAcquire()]).toEqual([false, true]);
  });
});

describe("AnswerCache", () => {
  it("forgets after its time and drops the least recently used", () => {
    let now = 0;
    const cache = new AnswerCache(() => now);
    cache.put("a", "1", 10, 2);
    cache.put("b", "2", 10, 2);
    expect(cache.get("a")).toBe("1");
    cache.put("c", "3", 10, 2);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["1", null, "3"]);
    now = 10_000;
    expect(cache.get("a")).toBeNull();
  });
});
