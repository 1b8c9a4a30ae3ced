import { describe, expect, it } from "vitest";
import type { GatewayConfigInput } from "../config/schema.ts";
import type { EngineScript } from "../testing/fake-engine.ts";
import { chat, chatEvents, fakeEngine, json, stream } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";
import type { GatewayUnderTest } from "../testing/gateway-under-test.ts";

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
const hang: EngineScript = () => undefined;

type Change = (config: GatewayConfigInput) => GatewayConfigInput;

function withModel(more: Partial<GatewayConfigInput["models"][number]>): Change {
  return (config) => ({ ...config, models: config.models.map((model) => ({ ...model, ...more })) });
}

function withClient(
  more: Partial<GatewayConfigInput["clients"][number]>,
  change: Change = (same) => same,
): Change {
  return (config) => ({
    ...change(config),
    clients: config.clients.map((client) => (client.id === "app" ? { ...client, ...more } : client)),
  });
}

async function reservedFor(under: GatewayUnderTest): Promise<number> {
  const intent = (await under.records()).find((record) => record.kind === "intent");
  return intent?.kind === "intent" ? intent.reserved : NaN;
}

describe("the cap on the output", () => {
  it.each([
    [CHAT, { max_output_tokens: 1 }, { max_completion_tokens: 1 }],
    [CHAT, { max_tokens: 7, max_output_tokens: 3 }, { max_tokens: 3 }],
    [CHAT, { max_tokens: 9, max_completion_tokens: 8 }, { max_tokens: 8, max_completion_tokens: 8 }],
    [CHAT, {}, { max_completion_tokens: 100 }],
    [COMPLETIONS, { max_completion_tokens: 2 }, { max_tokens: 2 }],
    ["/v1/responses", { max_tokens: 1, max_output_tokens: 5000 }, { max_output_tokens: 1 }],
    ["/v1/messages", { max_output_tokens: 4 }, { max_tokens: 4 }],
  ])("at %s of %j is sent as %j, and no other", async (path, asked, sent) => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine]);
    await (await under.post(path, { model: "small", ...asked })).text();
    const body = engine.seen[0]?.body ?? {};
    const caps = ["max_tokens", "max_completion_tokens", "max_output_tokens"].filter((name) => name in body);
    expect(Object.fromEntries(caps.map((name) => [name, body[name]]))).toEqual(sent);
  });

  it.each([
    ["one prompt", { prompt: "a" }, 10],
    ["a list of prompts", { prompt: ["a", "b", "c"] }, 30],
    ["several answers to each of a list of prompts", { prompt: ["a", "b", "c"], n: 2 }, 60],
    ["an empty list", { prompt: [] }, 10],
  ])("is reserved for %s", async (_what, asked, output) => {
    const under = await gatewayUnderTest([await fakeEngine()]);
    const text = JSON.stringify({ model: "small", max_tokens: 10, ...asked });
    await (await under.post(COMPLETIONS, text)).text();
    const input = Math.ceil(text.length / 2) * ("n" in asked ? asked.n : 1);
    expect(await reservedFor(under)).toBe(input + output);
  });

  it.each([
    ["one prompt of token ids", [1, 2]],
    ["several prompts of token ids", [[1], [2]]],
  ])("needs no rule for %s: no guard can read it", async (_what, prompt) => {
    const under = await gatewayUnderTest([await fakeEngine()]);
    expect((await under.post(COMPLETIONS, { model: "small", prompt })).status).toBe(400);
  });
});

describe("a call whose end is never told", () => {
  // What the first call reserves leaves no room for a second one unless it is given back.
  const narrow = { tokensPerMinute: 150 };

  it.each<[string, Change, EngineScript]>([
    ["the time is over before the head", withModel({ totalMs: 1_500 }), hang],
    ["the connection breaks before the head", (config) => config, (res) => res.destroy()],
    [
      "the answer breaks off",
      (config) => config,
      (res) => {
        res.writeHead(200, { "content-type": "application/json" }).write('{"choices":');
        setTimeout(() => res.destroy(), 30);
      },
    ],
  ])("counts in full: %s", async (_what, change, script) => {
    const engine = await fakeEngine(script);
    const under = await gatewayUnderTest([engine], withClient(narrow, change));
    expect((await under.post(CHAT, hello)).status).toBeGreaterThan(500);
    expect((await under.records()).at(-1)).toMatchObject({ kind: "outcome", usage: null, cost: null });
    engine.script = chat("x");
    expect((await under.post(CHAT, hello)).status).toBe(429);
  });

  it("counts in full when the caller leaves before the head", async () => {
    const engine = await fakeEngine(hang);
    const under = await gatewayUnderTest([engine], withClient(narrow));
    const abort = new AbortController();
    const call = under.post(CHAT, hello, { signal: abort.signal }).catch(() => null);
    await expect.poll(() => engine.seen.length).toBe(1);
    abort.abort();
    await call;
    await expect.poll(async () => (await under.records()).at(-1)).toMatchObject({ reason: "client-gone" });
    engine.script = chat("x");
    expect((await under.post(CHAT, hello)).status).toBe(429);
  });

  it.each<[string, EngineScript]>([
    ["an error", json({ error: { message: "no" } }, 503)],
    ["an answer", chat("x")],
  ])("is not one that got %s", async (_what, script) => {
    const engine = await fakeEngine(script);
    const under = await gatewayUnderTest([engine], withClient(narrow));
    await (await under.post(CHAT, hello)).text();
    engine.script = chat("x");
    expect((await under.post(CHAT, hello)).status).toBe(200);
  });

  it("is not one of which nothing was sent", async () => {
    const under = await gatewayUnderTest([{ url: "http://127.0.0.1:1" }], withClient(narrow));
    for (let call = 0; call < 2; call += 1) expect((await under.post(CHAT, hello)).status).toBe(503);
  });
});

describe("the time to the first byte", () => {
  const quick: Change = (config) => ({
    ...config,
    upstreams: config.upstreams.map((upstream) => ({
      ...upstream,
      firstByteMs: 50,
      breaker: { failures: 2, openMs: 60_000 },
    })),
  });
  const slow: EngineScript = (res, seen) => {
    setTimeout(() => {
      chat("late")(res, seen);
    }, 2_000);
  };

  it("does not cut a call without stream, whose head comes at the end, and sends it once", async () => {
    const [first, second] = [await fakeEngine(slow), await fakeEngine()];
    const under = await gatewayUnderTest([first, second], quick);
    expect(await (await under.post(CHAT, hello)).text()).toContain("late");
    expect([first.seen.length, second.seen.length]).toEqual([1, 0]);
  });

  it("cuts a stream, which goes to the next upstream", async () => {
    const [first, second] = [await fakeEngine(hang), await fakeEngine(stream(chatEvents(["a"])))];
    const under = await gatewayUnderTest([first, second], quick);
    expect(await (await under.post(CHAT, { ...hello, stream: true })).text()).toContain("[DONE]");
    expect([first.seen.length, second.seen.length]).toEqual([1, 1]);
  });

  it("opens the breaker on an upstream that is silent up to the end of calls without stream", async () => {
    const engine = await fakeEngine(hang);
    const under = await gatewayUnderTest([engine], (config) => withModel({ totalMs: 1_500 })(quick(config)));
    const statuses: number[] = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await under.post(CHAT, hello)).status);
    expect(statuses).toEqual([504, 504, 503]);
    expect(engine.seen).toHaveLength(2);
  });
});

describe("usage", () => {
  it("of an answer without counts is estimated from what it says", async () => {
    const message = {
      role: "assistant",
      content: "x".repeat(240),
      tool_calls: [{ id: "call_1", function: { name: "weather", arguments: "y".repeat(60) } }],
    };
    const engine = await fakeEngine(
      json({
        id: "chatcmpl-1",
        model: "engine-model",
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: "x".repeat(300) },
            logprobs: { content: [{ token: "z".repeat(900) }] },
          },
        ],
      }),
    );
    const under = await gatewayUnderTest([engine]);
    await (await under.post(CHAT, hello)).text();
    expect((await under.records()).at(-1)).toMatchObject({
      usage: { input: Math.ceil(JSON.stringify(hello).length / 4), output: 100, source: "estimated" },
    });
    engine.script = json({ choices: [{ index: 0, message }] });
    await (await under.post(CHAT, hello)).text();
    expect((await under.records()).at(-1)).toMatchObject({ result: "blocked", usage: { output: 103 } });
  });

  it("of embeddings has no output", async () => {
    const engine = await fakeEngine(
      json({ data: [{ embedding: "base64".repeat(100) }], usage: { prompt_tokens: 3 } }),
    );
    const under = await gatewayUnderTest([engine]);
    await (await under.post("/v1/embeddings", { model: "small", input: "a" })).text();
    expect((await under.records()).at(-1)).toMatchObject({
      usage: { input: 3, output: 0, source: "reported" },
    });
  });

  const outputSchema = { type: "object", required: ["a"] };
  const asked = { ...hello, max_completion_tokens: 10 };

  it("of an answer that was asked for again is that of both, and both were reserved", async () => {
    const engine = await fakeEngine();
    engine.script = (res, seen) => {
      chat(engine.seen.length === 1 ? "no JSON" : '{"a":1}')(res, seen);
    };
    const under = await gatewayUnderTest([engine], withModel({ outputSchema }));
    expect((await under.post(CHAT, asked)).status).toBe(200);
    expect((await under.records()).at(-1)).toMatchObject({
      result: "completed",
      usage: { input: 20, output: 10, source: "reported" },
      cost: { nanos: 40_000 },
    });
    expect(await reservedFor(under)).toBe(2 * (Math.ceil(JSON.stringify(asked).length / 2) + 10));
  });

  it("of an answer whose second try was never told counts in full", async () => {
    const engine = await fakeEngine();
    engine.script = (res, seen) => {
      if (engine.seen.length === 1) chat("no JSON")(res, seen);
      else res.destroy();
    };
    const under = await gatewayUnderTest([engine], withModel({ outputSchema }));
    expect((await under.post(CHAT, asked)).status).toBe(403);
    expect((await under.records()).at(-1)).toMatchObject({
      result: "blocked",
      reason: "schema",
      usage: null,
    });
  });
});
