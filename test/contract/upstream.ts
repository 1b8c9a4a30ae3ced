import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers one request of the gateway under test. */
export type UpstreamScript = (res: ServerResponse, req: IncomingMessage, body: string) => void;

/** A model engine that a case controls. */
export interface Upstream {
  readonly url: string;
  /** Bodies of the requests that arrived since the last `reset`. */
  readonly bodies: string[];
  /** Requests whose connection the gateway closed before the answer ended. */
  readonly cancelled: () => number;
  script: UpstreamScript;
  reset(): void;
  close(): Promise<void>;
}

/** A chat completion that says `text`. */
export function answer(text: string): UpstreamScript {
  return (res) => {
    res.writeHead(200, { "content-type": "application/json" });
    res.end(
      JSON.stringify({
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 0,
        model: "engine-model",
        choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
        usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
      }),
    );
  };
}

/** Events of a chat stream with these pieces, without `[DONE]`. */
export function chunks(pieces: readonly string[]): string[] {
  return pieces.map((content, at) => {
    const delta = at === 0 ? { role: "assistant", content } : { content };
    const event = {
      id: "c",
      object: "chat.completion.chunk",
      created: 0,
      model: "engine-model",
      choices: [{ index: 0, delta, finish_reason: at === pieces.length - 1 ? "stop" : null }],
    };
    return `data: ${JSON.stringify(event)}\n\n`;
  });
}

/** A chat stream; `cut` decides how its bytes are split, `end` how it ends. */
export function streamed(
  events: readonly string[],
  { cut = 0, end = "done" }: { readonly cut?: number; readonly end?: "done" | "reset" | "hang" } = {},
): UpstreamScript {
  return (res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    const bytes = Buffer.from(events.join("") + (end === "done" ? "data: [DONE]\n\n" : ""));
    const size = cut === 0 ? bytes.length : cut;
    let at = 0;
    const next = (): void => {
      if (res.destroyed) return;
      if (at < bytes.length) {
        res.write(bytes.subarray(at, (at += size)));
        setImmediate(next);
      } else if (end === "done") res.end();
      else if (end === "reset") setTimeout(() => res.destroy(), 30);
    };
    next();
  };
}

/** Starts an upstream on a free port of the loopback interface. */
export async function startUpstream(): Promise<Upstream> {
  const bodies: string[] = [];
  let cancelled = 0;
  const server: Server = createServer((req, res) => {
    const parts: Buffer[] = [];
    res.on("close", () => {
      if (!res.writableFinished) cancelled += 1;
    });
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const body = Buffer.concat(parts).toString();
      if (req.method === "POST") bodies.push(body);
      upstream.script(res, req, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    cancelled: () => cancelled,
    script: answer("hello"),
    reset: () => {
      bodies.length = 0;
      cancelled = 0;
      upstream.script = answer("hello");
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
  return upstream;
}
