import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { GatewayConfigInput } from "../config/schema.ts";
import { LocalReviewQueue } from "../oversight/local-queue.ts";
import { RedisReviewQueue } from "../oversight/redis-queue.ts";
import { AnswerCache } from "../routing/cache.ts";
import { LimitsUnavailableError } from "../routing/limits.ts";
import { chat, chatEvents, fakeEngine, stream } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";
import { auditWithContent } from "../testing/kept-content.ts";

const CHAT = "/v1/chat/completions";
const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };

function keeping(config: GatewayConfigInput): GatewayConfigInput {
  return { ...config, audit: auditWithContent(config) };
}

describe("content that cannot be kept", () => {
  it.each([
    ["a body", hello, chat("the answer")],
    ["a stream", { ...hello, stream: true }, stream(chatEvents(["the ", "answer"]))],
  ])("of the end of %s is an outcome, and the end is not delivered", async (_what, request, script) => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], keeping);
    const objects = join(under.directory, "content");
    engine.script = (res, seen) => {
      // A file where the folder was: every further object meets ENOTDIR.
      void rm(objects, { recursive: true })
        .then(() => writeFile(objects, ""))
        .then(() => {
          script(res, seen);
        });
    };
    const text = await (await under.post(CHAT, request)).text();
    expect(text).toContain("content_not_kept");
    expect(text).not.toMatch(/\[DONE\]|answer"/);
    const outcomes = (await under.records()).filter(({ kind }) => kind === "outcome");
    expect(outcomes).toEqual([
      expect.objectContaining({ result: "failed", reason: "content-not-kept", status: 503 }),
    ]);
  });

  it("of a request is a decision, and the engine is not asked", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], keeping);
    await writeFile(join(under.directory, "content"), "");
    expect((await under.post(CHAT, hello)).status).toBe(503);
    expect(engine.seen).toEqual([]);
    expect(await under.records()).toEqual([
      expect.objectContaining({ kind: "decision", result: "failed", reason: "content_not_kept" }),
    ]);
  });
});

describe("a fault of the gateway before the intent", () => {
  it("is recorded and answered with 500", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], (config) => ({
      ...config,
      models: config.models.map((model) => ({ ...model, cache: { seconds: 60 } })),
    }));
    const fault = vi.spyOn(AnswerCache.prototype, "get").mockImplementation(() => {
      throw new Error("injected");
    });
    onTestFinished(() => {
      fault.mockRestore();
    });
    expect((await under.post(CHAT, hello)).status).toBe(500);
    expect(engine.seen).toEqual([]);
    expect(await under.records()).toEqual([
      expect.objectContaining({ kind: "decision", result: "failed", reason: "internal_error", status: 500 }),
    ]);
  });
});

describe("review tickets without Redis", () => {
  const personal = "the claim of 12345678Z";
  const asked = { model: "small", messages: [{ role: "user", content: personal }] };
  const reviewing =
    (side: "input" | "output") =>
    (config: GatewayConfigInput): GatewayConfigInput => ({
      ...config,
      admin: { port: 0, keys: [{ id: "maria", key: "0".repeat(64), roles: ["review"] }] },
      guards: { input: [], output: [], [side]: [{ detector: "pii", action: "review" }] },
    });

  it.each([
    ["a request", "input", asked, chat("x"), { kind: "decision", reason: "limits_unavailable" }],
    ["a body", "output", hello, chat(personal), { kind: "outcome", reason: "limits-unavailable" }],
    [
      "a stream",
      "output",
      { ...hello, stream: true },
      stream(chatEvents(["a ".repeat(400), personal, " and more", " b".repeat(400)])),
      { kind: "outcome", reason: "limits-unavailable" },
    ],
  ] as const)(
    "hold %s back with a record, and no upstream has failed",
    async (_what, side, body, script, record) => {
      const queue = vi
        .spyOn(LocalReviewQueue.prototype, "add")
        .mockRejectedValue(new LimitsUnavailableError("injected"));
      onTestFinished(() => {
        queue.mockRestore();
      });
      const under = await gatewayUnderTest([await fakeEngine(script)], reviewing(side));
      for (let call = 0; call < 6; call += 1) {
        const text = await (await under.post(CHAT, body)).text();
        expect(text).toContain("limits_unavailable");
        expect(text).not.toContain(personal);
      }
      expect((await under.records()).at(-1)).toMatchObject({ ...record, result: "failed", status: 503 });
    },
  );

  it("cannot be taken or opened, which is no fault of the request", async () => {
    const redis = new Redis("redis://127.0.0.1:1", {
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: () => null,
    });
    redis.on("error", () => undefined);
    const queue = new RedisReviewQueue(redis);
    await expect(queue.take("id", "app", "input")).rejects.toThrow(LimitsUnavailableError);
    const ticket = {
      id: "id",
      request: "r",
      tenant: "acme",
      client: "app",
      model: "small",
      side: "input",
      guards: [],
      input: "i",
      requestedAt: "2026-11-26T00:00:00.000Z",
      expiresAt: "2026-11-27T00:00:00.000Z",
      state: "pending",
    } as const;
    await expect(queue.add(ticket)).rejects.toThrow(LimitsUnavailableError);
    redis.disconnect();
  });
});
