import { createServer } from "node:http";
import type { ServerResponse } from "node:http";

/**
 * The engine of the gateway benchmark: answers a chat request at once, or streams `x-events` events every `x-every`
 * milliseconds as the last user message says (`stream <events> <ms>`).
 */
const SENTENCE =
  "The claim was received on Monday and a case handler will look at it within five working days. ";

const answer = JSON.stringify({
  id: "c",
  object: "chat.completion",
  created: 0,
  model: "engine-model",
  choices: [{ index: 0, message: { role: "assistant", content: SENTENCE.repeat(2) }, finish_reason: "stop" }],
  usage: { prompt_tokens: 200, completion_tokens: 40, total_tokens: 240 },
});

function event(content: string, finish: string | null): string {
  const choices = [{ index: 0, delta: { role: "assistant", content }, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 0, model: "engine-model", choices })}\n\n`;
}

function stream(res: ServerResponse, events: number, everyMs: number): void {
  res.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const next = (): void => {
    if (res.destroyed) return;
    sent += 1;
    res.write(event("claims are ", sent === events ? "stop" : null));
    if (sent < events) setTimeout(next, everyMs);
    else res.end("data: [DONE]\n\n");
  };
  next();
}

const server = createServer((req, res) => {
  let body = "";
  req.on("data", (part: Buffer) => (body += part.toString()));
  req.on("end", () => {
    const [, events, every] = /stream (\d+) (\d+)/.exec(body) ?? [];
    if (events !== undefined && body.includes('"stream":true')) stream(res, Number(events), Number(every));
    else {
      res.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
      res.end(answer);
    }
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1", 20_000);
