import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../config/load.ts";
import type { ClientConfig } from "../config/schema.ts";
import type { Limits } from "../routing/limits.ts";
import { nanosOf } from "../routing/money.ts";
import type { TraceLimits } from "../routing/traces.ts";
import type { BrakeStore } from "../oversight/brakes.ts";
import type { ReviewQueue, ReviewTicket } from "../oversight/tickets.ts";
import { configFor } from "./gateway-under-test.ts";

/** A client with an id of its own, so that tests on one store do not see each other. */
export function freshClient(change: Partial<ClientConfig> = {}): ClientConfig {
  const [client] = checkConfig(configFor("/nowhere", ["http://a"])).config.clients;
  return { ...(client as ClientConfig), id: `client-${randomUUID()}`, ...change };
}

/** What every implementation of the shared state does; `replicas` are connections to the same state. */
export function describeSharedState(
  name: string,
  replicas: () => readonly {
    readonly limits: Limits;
    readonly traces: TraceLimits;
    readonly reviews: ReviewQueue;
    readonly brakes: BrakeStore;
  }[],
): void {
  const at = (index: number): ReturnType<typeof replicas>[number] => {
    const all = replicas();
    return all[index % all.length] as ReturnType<typeof replicas>[number];
  };

  describe(`${name}: limits`, () => {
    it("grants exactly what the budget holds when many calls race for its end", async () => {
      const client = freshClient({ budget: { currency: "USD", amount: "0.00001", period: "month" } });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, call) => at(call).limits.reserve(client, { tokens: 1, cost: 1_000n })),
      );
      expect(answers.filter(({ kind }) => kind === "granted")).toHaveLength(10);
      expect(answers.find(({ kind }) => kind === "refused")).toMatchObject({ reason: "budget" });
    });

    it("gives back what was not used, once, on any replica", async () => {
      const client = freshClient({ budget: { currency: "USD", amount: "0.00001", period: "month" } });
      const first = await at(0).limits.reserve(client, { tokens: 10, cost: 10_000n });
      expect((await at(1).limits.reserve(client, { tokens: 1, cost: 1_000n })).kind).toBe("refused");
      if (first.kind !== "granted") throw new Error("the first call was refused");
      await first.settle({ tokens: 4, cost: 4_000n });
      await first.settle({ tokens: 0, cost: 0n });
      expect((await at(1).limits.reserve(client, { tokens: 1, cost: 7_000n })).kind).toBe("refused");
      expect((await at(1).limits.reserve(client, { tokens: 1, cost: 6_000n })).kind).toBe("granted");
    });

    it("refuses an unknown cost under a budget", async () => {
      const client = freshClient({ budget: { currency: "USD", amount: "1", period: "day" } });
      expect(await at(0).limits.reserve(client, { tokens: 1, cost: null })).toMatchObject({
        reason: "budget",
      });
    });

    it("counts requests and tokens per minute and says when to come back", async () => {
      const requests = freshClient({ requestsPerMinute: 2 });
      for (const replica of [0, 1]) {
        expect((await at(replica).limits.reserve(requests, { tokens: 1, cost: null })).kind).toBe("granted");
      }
      expect(await at(0).limits.reserve(requests, { tokens: 1, cost: null })).toMatchObject({
        reason: "requests",
        retryAfterSeconds: 30,
      });
      const tokens = freshClient({ tokensPerMinute: 100 });
      expect((await at(0).limits.reserve(tokens, { tokens: 90, cost: null })).kind).toBe("granted");
      const refused = await at(1).limits.reserve(tokens, { tokens: 40, cost: null });
      expect(refused).toMatchObject({ reason: "tokens", retryAfterSeconds: 18 });
    });

    it("keeps amounts of thousands of millions exact", async () => {
      const client = freshClient({ budget: { currency: "USD", amount: "999999999", period: "month" } });
      const most = nanosOf("999999998.999999");
      expect((await at(0).limits.reserve(client, { tokens: 1, cost: most })).kind).toBe("granted");
      expect((await at(1).limits.reserve(client, { tokens: 1, cost: nanosOf("0.000002") })).kind).toBe(
        "refused",
      );
      expect((await at(1).limits.reserve(client, { tokens: 1, cost: nanosOf("0.000001") })).kind).toBe(
        "granted",
      );
    });
  });

  describe(`${name}: agent runs`, () => {
    const trace = {
      required: "yes",
      maxSteps: 3,
      maxSeconds: 600,
      maxTokens: 100,
      maxCost: "0.001",
      maxToolCalls: 4,
      maxRepeats: 2,
    } as const;

    it("stops a run after its steps, on whatever replica they were", async () => {
      const client = freshClient({ trace });
      for (const step of [0, 1, 2])
        expect(await at(step).traces.step(client, "t")).toEqual({ kind: "step", number: step + 1 });
      expect(await at(0).traces.step(client, "t")).toEqual({ kind: "refused", reason: "trace-steps" });
      expect(await at(0).traces.step(client, "other")).toEqual({ kind: "step", number: 1 });
      expect(await at(0).traces.step(client, null)).toEqual({ kind: "refused", reason: "trace-missing" });
    });

    it.each([
      ["tokens", { tokens: 100, cost: 0n }, "trace-tokens"],
      ["money", { tokens: 1, cost: 1_000_000n }, "trace-cost"],
    ] as const)("stops a run after its %s", async (_what, used, refusal) => {
      const client = freshClient({ trace });
      expect(await at(0).traces.step(client, "t")).toEqual({ kind: "step", number: 1 });
      await at(1).traces.used(client, "t", used);
      expect(await at(0).traces.step(client, "t")).toEqual({ kind: "refused", reason: refusal });
    });

    it("finds a loop: the same tool call more often than a run may get it, on whatever replica", async () => {
      const client = freshClient({ trace });
      await at(0).traces.step(client, "t");
      await at(0).traces.step(client, "other");
      expect(await at(0).traces.toolCalls(client, "t", ["a"])).toBeNull();
      expect(await at(1).traces.toolCalls(client, "t", ["b", "a"])).toBeNull();
      expect(await at(0).traces.toolCalls(client, "t", ["a"])).toBe("trace-loop");
      expect(await at(0).traces.toolCalls(client, "other", ["c", "c", "c"])).toBe("trace-loop");
      expect(await at(0).traces.toolCalls(client, "t", [])).toBeNull();
    });

    it("stops a run after its tool calls, different ones included", async () => {
      const client = freshClient({ trace });
      await at(0).traces.step(client, "t");
      expect(await at(0).traces.toolCalls(client, "t", ["a", "b", "c", "d"])).toBeNull();
      expect(await at(1).traces.toolCalls(client, "t", ["e"])).toBe("trace-tool-calls");
    });

    it("counts nothing for clients and calls without a run", async () => {
      const free = freshClient({ trace: null });
      expect(await at(0).traces.step(free, "t")).toEqual({ kind: "no-run" });
      expect(await at(0).traces.toolCalls(free, "t", ["a", "a", "a", "a", "a"])).toBeNull();
      expect(
        await at(0).traces.toolCalls(freshClient({ trace }), null, ["a", "a", "a", "a", "a"]),
      ).toBeNull();
    });
  });

  describe(`${name}: brakes`, () => {
    it("hold on every replica until they are released", async () => {
      const stop = { kind: "stop", scope: "small", since: "2026-11-24T12:00:00.000Z" } as const;
      const throttle = { kind: "throttle", share: 0.5, until: "2026-11-24T13:00:00.000Z" } as const;
      await at(0).brakes.put(stop);
      await at(1).brakes.put({ ...throttle, share: 0.9 });
      await at(0).brakes.put(throttle);
      expect([...(await at(1).brakes.read())].sort((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual([
        stop,
        throttle,
      ]);
      await at(1).brakes.release("stop small");
      await at(1).brakes.release("throttle");
      expect(await at(0).brakes.read()).toEqual([]);
    });
  });

  describe(`${name}: review tickets`, () => {
    const ticket = (change: Partial<ReviewTicket> = {}): ReviewTicket => ({
      id: randomUUID(),
      request: "r",
      tenant: "acme",
      client: "app",
      model: "small",
      side: "input",
      guards: ["pii"],
      input: "hmac-sha256:00",
      requestedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
      state: "pending",
      ...change,
    });

    it("lets one request through per approval, for the same client and body only", async () => {
      const asked = ticket();
      await at(0).reviews.add(asked);
      expect(await at(1).reviews.take(asked.id, "app", asked.input)).toBeNull();
      const decided = { ...asked, state: "approved", reviewer: "hmac-sha256:r" };
      expect(await at(1).reviews.decide(asked.id, "approved", "hmac-sha256:r")).toEqual({
        kind: "decided",
        ticket: decided,
      });
      expect(await at(0).reviews.take(asked.id, "other", asked.input)).toBeNull();
      expect(await at(0).reviews.take(asked.id, "app", "hmac-sha256:01")).toBeNull();
      const taken = await Promise.all(
        [0, 1, 0, 1].map((one) => at(one).reviews.take(asked.id, "app", asked.input)),
      );
      expect(taken.filter((each) => each !== null)).toEqual([decided]);
    });

    it("decides once", async () => {
      const asked = ticket();
      await at(0).reviews.add(asked);
      expect((await at(0).reviews.decide(asked.id, "denied", "a")).kind).toBe("decided");
      expect((await at(1).reviews.decide(asked.id, "approved", "b")).kind).toBe("decided-before");
      expect((await at(1).reviews.decide(randomUUID(), "approved", "b")).kind).toBe("unknown");
      expect(await at(1).reviews.take(asked.id, "app", asked.input)).toBeNull();
    });

    it("lists by state and forgets what has expired", async () => {
      const model = `m-${randomUUID()}`;
      const mine = async (state: ReviewTicket["state"]): Promise<string[]> =>
        (await at(1).reviews.list(state)).filter((each) => each.model === model).map(({ id }) => id);
      const [open, old] = [
        ticket({ model }),
        ticket({ model, expiresAt: new Date(Date.now() - 1).toISOString() }),
      ];
      await at(0).reviews.add(open);
      await at(0).reviews.add(old);
      expect(await mine("pending")).toEqual([open.id]);
      await at(0).reviews.decide(open.id, "approved", "a");
      expect([await mine("pending"), await mine("approved")]).toEqual([[], [open.id]]);
      expect((await at(0).reviews.decide(old.id, "approved", "a")).kind).toBe("unknown");
    });
  });
}
