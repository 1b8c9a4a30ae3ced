import { describe, expect, it } from "vitest";
import type { JsonObject } from "../api/endpoint.ts";
import type { GatewayConfigInput } from "../config/schema.ts";
import { chat, fakeEngine, json, stream } from "../testing/fake-engine.ts";
import type { EngineScript } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";

const CHAT = "/v1/chat/completions";
const hello = { model: "small", messages: [{ role: "user", content: "weather?" }] };
const legacy = {
  ...hello,
  functions: [{ name: "weather", parameters: { type: "object", required: ["city"] } }],
};
const SECRET = "AKIAABCDEFGH23456789";

function events(...bodies: readonly JsonObject[]): EngineScript {
  const named = (body: JsonObject): string =>
    typeof body["type"] === "string" ? `event: ${body["type"]}\n` : "";
  return stream([
    ...bodies.map((body) => `${named(body)}data: ${JSON.stringify(body)}\n\n`),
    "data: [DONE]\n\n",
  ]);
}

const delta = (value: JsonObject): JsonObject => ({ choices: [{ index: 0, delta: value }] });

/** A call as the older chat form streams it. */
function olderCall(name: string, ...args: readonly string[]): EngineScript {
  return events(
    delta({ function_call: { name, arguments: "" } }),
    ...args.map((text) => delta({ function_call: { arguments: text } })),
  );
}

describe("tool calls nobody offered", () => {
  const forms: readonly (readonly [string, string, JsonObject])[] = [
    ["a chat", CHAT, delta({ tool_calls: [{ index: 0, function: { name: "shell", arguments: "{}" } }] })],
    ["an older chat", CHAT, delta({ function_call: { name: "shell", arguments: "{}" } })],
    [
      "a chat with custom tools",
      CHAT,
      delta({ tool_calls: [{ index: 0, custom: { name: "shell", input: "x" } }] }),
    ],
    [
      "Anthropic",
      "/v1/messages",
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", name: "shell", input: {} },
      },
    ],
    [
      "Responses",
      "/v1/responses",
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { type: "function_call", name: "shell", arguments: "" },
      },
    ],
    [
      "Responses with custom tools",
      "/v1/responses",
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { type: "custom_tool_call", name: "shell", input: "" },
      },
    ],
  ];

  it.each(forms)("end a stream of %s", async (_what, path, event) => {
    const under = await gatewayUnderTest([await fakeEngine(events(event))]);
    const answer = await under.post(path, { ...hello, input: "weather?", max_tokens: 50, stream: true });
    const text = await answer.text();
    expect(text).toMatch(/was stopped by the guard \\?"tools/);
    expect(text).not.toContain("shell");
    expect((await under.records()).at(-1)).toMatchObject({ result: "blocked", reason: "tools" });
  });

  it.each([
    [
      "a chat with custom tools",
      CHAT,
      { tool_calls: [{ type: "custom", custom: { name: "shell", input: "x" } }] },
    ],
    ["an older chat", CHAT, { function_call: { name: "shell", arguments: "{}" } }],
  ])("are refused in %s without a stream", async (_what, path, message) => {
    const under = await gatewayUnderTest([await fakeEngine(chat("", message))]);
    expect((await under.post(path, hello)).status).toBe(403);
  });

  it("are refused in Responses with custom tools without a stream", async () => {
    const output = [{ type: "custom_tool_call", name: "shell", input: "x" }];
    const under = await gatewayUnderTest([await fakeEngine(json({ object: "response", output }))]);
    expect((await under.post("/v1/responses", { model: "small", input: "x" })).status).toBe(403);
  });
});

describe("functions, the older form of tools", () => {
  it.each([
    ["an allowed function with fitting arguments", "weather", '{"city":"Bilbao"}', 200],
    ["arguments that do not fit", "weather", "{}", 403],
    ["a function that was not offered", "shell", "{}", 403],
  ])("are checked in a stream: %s", async (_what, name, args, status) => {
    const under = await gatewayUnderTest([await fakeEngine(olderCall(name, args))]);
    expect((await under.post(CHAT, { ...legacy, stream: true })).status).toBe(status);
  });

  it("count in an agent run", async () => {
    const runs = (config: GatewayConfigInput): GatewayConfigInput => ({
      ...config,
      clients: config.clients.map((client) => ({
        ...client,
        trace: { maxSteps: 20, maxSeconds: 60, maxTokens: 10_000, maxRepeats: 1 },
      })),
    });
    const under = await gatewayUnderTest([await fakeEngine(olderCall("weather", '{"city":"Bilbao"}'))], runs);
    const headers = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    const statuses: number[] = [];
    for (let step = 0; step < 2; step += 1)
      statuses.push((await under.post(CHAT, { ...legacy, stream: true }, { headers })).status);
    expect(statuses).toEqual([200, 403]);
  });

  it("do not carry a secret in two halves", async () => {
    const halves = olderCall("weather", `{"city":"${SECRET.slice(0, 9)}`, `${SECRET.slice(9)}"}`);
    const under = await gatewayUnderTest([await fakeEngine(halves)]);
    const answer = await under.post(CHAT, { ...legacy, stream: true });
    expect([answer.status, (await under.records()).at(-1)]).toEqual([
      403,
      expect.objectContaining({ reason: "secrets" }),
    ]);
  });
});

describe("custom tools", () => {
  const custom = { ...hello, stream: true, tools: [{ type: "custom", custom: { name: "weather" } }] };
  const said = (...inputs: readonly string[]): EngineScript =>
    events(
      ...inputs.map((input, at) =>
        delta({ tool_calls: [{ index: 0, custom: at === 0 ? { name: "weather", input } : { input } }] }),
      ),
    );

  it("may be called with any text", async () => {
    const under = await gatewayUnderTest([await fakeEngine(said("in ", "Bilbao"))]);
    expect((await under.post(CHAT, custom)).status).toBe(200);
  });

  it("do not carry a secret in two halves", async () => {
    const under = await gatewayUnderTest([await fakeEngine(said(SECRET.slice(0, 9), SECRET.slice(9)))]);
    expect((await under.post(CHAT, custom)).status).toBe(403);
  });
});

describe("arguments with names of the envelope", () => {
  const tools = [{ name: "weather", input_schema: { type: "object" } }];
  const ask = { ...hello, max_tokens: 50, tools };
  const using = (input: JsonObject): EngineScript =>
    json({
      id: "msg_612345678",
      type: "message",
      role: "assistant",
      content: [{ type: "tool_use", id: "toolu_612345678", name: "weather", input }],
      stop_reason: "tool_use",
      usage: { input_tokens: 1, output_tokens: 1 },
    });

  it.each(["id", "model", "role", "type", "object", "call_id", "item_id"])(
    "do not carry a secret as %s",
    async (name) => {
      const under = await gatewayUnderTest([await fakeEngine(using({ [name]: SECRET }))]);
      expect((await under.post("/v1/messages", ask)).status).toBe(403);
    },
  );

  it("are redacted, and the ids of the answer are not", async () => {
    const under = await gatewayUnderTest([await fakeEngine(using({ id: "12345678Z" }))]);
    expect(await (await under.post("/v1/messages", ask)).json()).toMatchObject({
      id: "msg_612345678",
      content: [{ id: "toolu_612345678", input: { id: "[dni]" } }],
    });
  });

  it("are kept back when a number would have to be taken out", async () => {
    const under = await gatewayUnderTest([await fakeEngine(using({ card: 4111111111111111 }))]);
    expect((await under.post("/v1/messages", ask)).status).toBe(403);
  });
});
