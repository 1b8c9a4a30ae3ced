import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../config/load.ts";
import type { ClientConfig, ModelConfig } from "../config/schema.ts";
import { configFor } from "../testing/gateway-under-test.ts";
import { Breaker } from "./breaker.ts";
import { AnswerCache } from "./cache.ts";
import { LocalLimits } from "./limits.ts";
import { costOf, nanosOf } from "./money.ts";
import { fractionOf, planFor } from "./plan.ts";

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
    expect(costOf(price, 1, 0)).toBe(38n);
    expect(costOf(price, 1_000_000, 1_000_000)).toBe(187_500_000n);
    expect(costOf(null, 5, 5)).toBeNull();
  });
});

describe("LocalLimits", () => {
  it("never commits more than the budget, whatever the order of reservations and settlements", () => {
    const budgeted: ClientConfig = {
      ...client,
      budget: { currency: "USD", amount: "0.000001", period: "day" },
    };
    const step = fc.record({
      cost: fc.bigInt({ min: 0n, max: 400n }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      settle: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const limits = new LocalLimits(() => 0);
        let spent = 0n;
        for (const { cost, used, settle } of steps) {
          const reservation = limits.reserve(budgeted, { tokens: 1, cost });
          if (reservation.kind === "refused") {
            expect(spent + cost).toBeGreaterThan(1000n);
            continue;
          }
          const real = settle ? BigInt(Math.floor(Number(cost) * used)) : cost;
          if (settle) reservation.settle({ tokens: 1, cost: real });
          if (settle) reservation.settle({ tokens: 0, cost: 0n });
          spent += real;
          expect(spent).toBeLessThanOrEqual(1000n);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses an unknown cost under a budget, starts again with the period, and says when", () => {
    let now = Date.UTC(2026, 10, 24, 23, 59, 0);
    const limits = new LocalLimits(() => now);
    const budgeted: ClientConfig = { ...client, budget: { currency: "USD", amount: "1", period: "day" } };
    expect(limits.reserve(budgeted, { tokens: 1, cost: null })).toEqual({
      kind: "refused",
      reason: "budget",
      retryAfterSeconds: 60,
    });
    expect(limits.reserve(budgeted, { tokens: 1, cost: nanosOf("1") }).kind).toBe("granted");
    expect(limits.reserve(budgeted, { tokens: 1, cost: 1n }).kind).toBe("refused");
    now += 60_000;
    expect(limits.reserve(budgeted, { tokens: 1, cost: 1n }).kind).toBe("granted");
  });

  it("refills tokens with time and ignores a clock that goes back", () => {
    let now = 60_000;
    const limits = new LocalLimits(() => now);
    const small: ClientConfig = { ...client, tokensPerMinute: 100 };
    expect(limits.reserve(small, { tokens: 100, cost: null }).kind).toBe("granted");
    now = 0;
    expect(limits.reserve(small, { tokens: 50, cost: null })).toMatchObject({
      reason: "tokens",
      retryAfterSeconds: 30,
    });
    now = 30_000;
    expect(limits.reserve(small, { tokens: 50, cost: null }).kind).toBe("granted");
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
    expect(planFor(weighted, 0.89).map((target) => target.model)).toEqual(["a", "b", "c"]);
    expect(planFor(weighted, 0.9).map((target) => target.model)).toEqual(["b", "a", "c"]);
  });

  it("keeps shares near the weights when sticky", () => {
    const draws = Array.from(
      { length: 5000 },
      (_, at) => planFor(weighted, fractionOf(`user ${at}`))[0]?.model,
    );
    const share = draws.filter((name) => name === "b").length / draws.length;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.12);
    expect(planFor(weighted, fractionOf("user 7"))).toEqual(planFor(weighted, fractionOf("user 7")));
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
