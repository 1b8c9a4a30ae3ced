import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { JsonObject } from "../api/endpoint.ts";

/** A request the engine got. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: JsonObject;
}

/** Answers one request. */
export type EngineScript = (res: ServerResponse, request: SeenRequest) => void;

/** An engine that a test controls. */
export interface FakeEngine {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** How the next requests are answered. */
  script: EngineScript;
}

/** Answers with JSON. */
export function json(body: unknown, status = 200): EngineScript {
  return (res) => {
    res.writeHead(status, { "content-type": "application/json" });
    res.end(JSON.stringify(body));
  };
}

/** A chat answer with usage. */
export function chat(content: string, more: object = {}): EngineScript {
  const message = { role: "assistant", content, ...more };
  return json({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "engine-model",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
}

/** Data lines of a chat stream; `end` adds usage and `[DONE]`. */
export function chatEvents(pieces: readonly string[], end = true): string[] {
  const events = pieces.map((content, at) => ({
    id: "c",
    object: "chat.completion.chunk",
    model: "engine-model",
    choices: [
      { index: 0, delta: at === 0 ? { role: "assistant", content } : { content }, finish_reason: null },
    ],
  }));
  const lines = events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
  if (!end) return lines;
  const usage = {
    id: "c",
    object: "chat.completion.chunk",
    model: "engine-model",
    choices: [],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
  };
  return [...lines, `data: ${JSON.stringify(usage)}\n\n`, "data: [DONE]\n\n"];
}

/** Answers with a stream of server-sent events, in the given blocks of bytes. */
export function stream(
  blocks: readonly (string | Uint8Array)[],
  finish: "end" | "hang" | "reset" = "end",
): EngineScript {
  return (res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    for (const block of blocks) res.write(block);
    if (finish === "end") res.end();
    if (finish === "reset") setTimeout(() => res.destroy(), 20);
  };
}

/** Starts an engine that ends with the test. */
export async function fakeEngine(script: EngineScript = chat("hello")): Promise<FakeEngine> {
  const seen: SeenRequest[] = [];
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const request = {
        path: req.url ?? "",
        headers: req.headers,
        body: JSON.parse(Buffer.concat(parts).toString()) as JsonObject,
      };
      seen.push(request);
      engine.script(res, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const engine: FakeEngine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    script,
  };
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return engine;
}
