import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { ask, type ChatPath } from "./chat.ts";

/** A server that answers every request with these bytes. */
async function serving(status: number, type: string, body: string): Promise<ChatPath> {
  const server = createServer((req, res) => {
    req.resume();
    res.writeHead(status, { "content-type": type });
    res.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, apiKey: "key", model: "m" };
}

const text = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n';
const usage = 'data: {"choices":[],"usage":{"completion_tokens":1}}\n\n';
const done = "data: [DONE]\n\n";

describe("ask", () => {
  it("reads a stream to its end", async () => {
    const path = await serving(200, "text/event-stream", text + usage + done);
    expect(await ask(path, "?", "stream")).toMatchObject({
      kind: "answered",
      text: "Hi",
      completionTokens: 1,
    });
  });

  it.each([
    ["no [DONE]", text + usage],
    ["no usage", text + done],
  ])("does not take a stream for an answer when %s comes", async (missing, body) => {
    const path = await serving(200, "text/event-stream", body);
    await expect(ask(path, "?", "stream")).rejects.toThrow(
      `the stream broke off after 2 characters: ${missing} came`,
    );
  });

  it("says why it was refused", async () => {
    const path = await serving(403, "application/json", '{"error":{"message":"no"}}');
    expect(await ask(path, "?", "whole")).toEqual({ kind: "refused", status: 403, reason: "no" });
  });
});
