import { describe, expect, it } from "vitest";
import type { EngineScript } from "../../testing/fake-engine.ts";
import { chat, fakeEngine, json } from "../../testing/fake-engine.ts";
import type { RemoteGuardConfig } from "./ask.ts";
import { askRemoteGuard } from "./ask.ts";

const common = { name: "g", credential: null, deadlineMs: 500, sides: ["input" as const] };
const presidio = (url: string): RemoteGuardConfig => ({
  kind: "presidio",
  ...common,
  url,
  language: "es",
  minScore: 0.6,
  entities: ["PERSON"],
  version: "2.2.366",
});
const llamaGuard = (url: string): RemoteGuardConfig => ({
  kind: "llama-guard",
  ...common,
  url,
  model: "guard",
});
const nemo = (url: string): RemoteGuardConfig => ({
  kind: "nemo",
  ...common,
  url,
  model: "m",
  configId: "rails-3",
});

describe("askRemoteGuard", () => {
  it.each<[string, (url: string) => RemoteGuardConfig, EngineScript, object]>([
    ["presidio: nothing found", presidio, json([]), { kind: "pass", version: "2.2.366" }],
    [
      "presidio: entities",
      presidio,
      json([
        { entity_type: "PERSON", start: 0, end: 3, score: 0.85 },
        { entity_type: "PERSON", start: 9, end: 12, score: 0.6 },
        { entity_type: "LOCATION", start: 5, end: 8, score: 0.3 },
      ]),
      { kind: "block", version: "2.2.366", found: { PERSON: 2 } },
    ],
    [
      "presidio: an error object",
      presidio,
      json({ error: "no" }),
      { kind: "error", reason: "not a list of entities" },
    ],
    ["llama guard: safe", llamaGuard, chat("\n\nsafe"), { kind: "pass", version: "engine-model" }],
    [
      "llama guard: unsafe",
      llamaGuard,
      chat("unsafe\nS1,S10, nonsense"),
      { kind: "block", version: "engine-model", found: { S1: 1, S10: 1 } },
    ],
    [
      "llama guard: an essay",
      llamaGuard,
      chat("This is safe."),
      { kind: "error", reason: "neither safe nor unsafe" },
    ],
    [
      "llama guard: no choice",
      llamaGuard,
      json({ model: "x", choices: [] }),
      { kind: "error", reason: "not a chat completion" },
    ],
    ["nemo: success", nemo, json({ status: "success" }), { kind: "pass", version: "rails-3" }],
    [
      "nemo: blocked",
      nemo,
      json({
        status: "blocked",
        rails_status: { "self check input": { status: "blocked" }, other: { status: "success" } },
      }),
      { kind: "block", version: "rails-3", found: { "self check input": 1 } },
    ],
    ["nemo: another status", nemo, json({ status: "maybe" }), { kind: "error", reason: "no status" }],
    ["an error status", nemo, json({ status: "success" }, 500), { kind: "error", reason: "status 500" }],
    ["silence", presidio, () => undefined, { kind: "error", reason: "TimeoutError" }],
  ])("reads %s", async (_what, guard, script, expected) => {
    const service = await fakeEngine(script);
    expect(await askRemoteGuard(guard(service.url), { side: "input", text: "hola" })).toEqual(expected);
  });

  it("asks each service in its own form", async () => {
    const service = await fakeEngine();
    const question = { side: "output", text: "hola" } as const;
    for (const guard of [presidio, llamaGuard, nemo]) await askRemoteGuard(guard(service.url), question);
    expect(service.seen.map(({ path, body }) => [path, body])).toEqual([
      ["/analyze", { text: "hola", language: "es", score_threshold: 0.6, entities: ["PERSON"] }],
      [
        "/v1/chat/completions",
        {
          model: "guard",
          messages: [
            { role: "user", content: "" },
            { role: "assistant", content: "hola" },
          ],
          max_tokens: 32,
          temperature: 0,
        },
      ],
      [
        "/v1/guardrail/checks",
        {
          model: "m",
          messages: [{ role: "assistant", content: "hola" }],
          guardrails: { config_id: "rails-3" },
        },
      ],
    ]);
  });

  it("is an error when nobody listens", async () => {
    expect(await askRemoteGuard(nemo("http://127.0.0.1:1"), { side: "input", text: "x" })).toMatchObject({
      kind: "error",
    });
  });
});
