import { describe, expect, it } from "vitest";
import { chat, chatEvents, fakeEngine, json, stream } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";
import { isTooDeep, MAX_DEPTH } from "./prepare.ts";

const CHAT = "/v1/chat/completions";
const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };

/** A chat request whose member "x" nests so many arrays. */
function nested(levels: number): string {
  return `${JSON.stringify(hello).slice(0, -1)},"x":${"[".repeat(levels)}${"]".repeat(levels)}}`;
}

describe("a body that nests deep", () => {
  it.each([
    ["as deep as it may", MAX_DEPTH - 1, 200],
    ["one level deeper", MAX_DEPTH, 400],
    ["tens of thousands of levels", 60_000, 400],
  ])("%s is judged before anything recurses over it", async (_what, levels, status) => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine]);
    const response = await under.post(CHAT, nested(levels));
    expect(response.status).toBe(status);
    expect(engine.seen).toHaveLength(status === 200 ? 1 : 0);
    expect((await under.records()).at(-1)).toMatchObject(
      status === 200 ? { result: "completed" } : { result: "invalid", reason: "json_too_deep" },
    );
  });

  it("opens no breaker: others are served after ten of them", async () => {
    const under = await gatewayUnderTest([await fakeEngine()]);
    for (let call = 0; call < 10; call += 1) await (await under.post(CHAT, nested(60_000))).text();
    expect((await under.post(CHAT, hello)).status).toBe(200);
  });

  it("counts objects and arrays alike", () => {
    const inner = (levels: number): never[] | object => (levels === 0 ? [] : { a: inner(levels - 1) });
    expect([
      isTooDeep({ a: inner(MAX_DEPTH - 2) as never }),
      isTooDeep({ a: inner(MAX_DEPTH - 1) as never }),
    ]).toEqual([false, true]);
  });

  it("is refused as an answer too, and is not booked on the upstream", async () => {
    const deep = JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`) as unknown;
    const engine = await fakeEngine(json({ choices: [], input: deep }));
    const under = await gatewayUnderTest([engine]);
    for (let call = 0; call < 6; call += 1) expect((await under.post(CHAT, hello)).status).toBe(502);
    expect((await under.records()).at(-1)).toMatchObject({ result: "failed", reason: "unreadable-answer" });
    engine.script = chat("hello");
    expect((await under.post(CHAT, hello)).status).toBe(200);
  });
});

describe("a value without a canonical form", () => {
  it.each([
    ["half a character in a message", `{"model":"small","messages":[{"role":"user","content":"\\ud83d"}]}`],
    ["a number beyond all", `{"model":"small","messages":[],"temperature":1e999}`],
    ["half a character in a name", `{"model":"small","messages":[],"\\udc00":1}`],
  ])("(%s) is refused with a record", async (_what, body) => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], (config) => ({
      ...config,
      models: config.models.map((model) => ({ ...model, cache: { seconds: 60 } })),
    }));
    expect((await under.post(CHAT, body)).status).toBe(400);
    expect(engine.seen).toEqual([]);
    expect(await under.records()).toEqual([
      expect.objectContaining({ kind: "decision", result: "invalid", reason: "json_not_interoperable" }),
    ]);
  });

  it("a whole pair is no fault", async () => {
    const engine = await fakeEngine(stream(chatEvents(["a"])));
    const under = await gatewayUnderTest([engine]);
    const text = await (
      await under.post(CHAT, { ...hello, messages: [{ role: "user", content: "😀" }], stream: true })
    ).text();
    expect(text).toContain("[DONE]");
  });
});
