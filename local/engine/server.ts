import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConnectionDrain, type SpanSource } from "../../gateway/src/index.ts";
import type { TextGenerator, TextVector } from "./generator.ts";
import { engineMetrics, type EngineMetrics } from "./metrics.ts";
import {
  answerChunk,
  ApiError,
  embeddingAnswer,
  embeddingRequest,
  engineRequest,
  wholeAnswer,
  type AnswerHead,
  type EngineRequest,
  type Usage,
} from "./protocol.ts";
import { Slots } from "./slots.ts";
import { untilStop } from "./stops.ts";
import { generationSpan } from "./span.ts";

/** How an engine is served. */
export interface EngineOptions {
  /** Address of the loopback network. @default 127.0.0.1 */
  readonly address?: string;
  /** Port; 0 picks a free one. @default 0 */
  readonly port?: number;
  /** Generations at a time. @default 4 */
  readonly maxRunning?: number;
  /** Largest request body, bytes. @default 1 MiB */
  readonly maxBodyBytes?: number;
  /** Time running requests get when the engine stops, ms. @default 5000 */
  readonly drainMs?: number;
  /** Where spans of generations go, below the `traceparent` of the request. @default none */
  readonly tracer?: SpanSource;
}

/** A running engine. */
export interface RunningEngine {
  /** Base address without a path. */
  readonly url: string;
  readonly model: string;
  /** Takes no new requests, lets the running ones end, then closes the generator. */
  close(): Promise<void>;
}

const ROUTES: Readonly<Record<string, { readonly method: "GET" | "POST" }>> = {
  "/health": { method: "GET" },
  "/metrics": { method: "GET" },
  "/v1/models": { method: "GET" },
  "/v1/chat/completions": { method: "POST" },
  "/v1/completions": { method: "POST" },
  "/v1/embeddings": { method: "POST" },
};

function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  res.end(text);
}

async function readJson(req: IncomingMessage, limit: number): Promise<unknown> {
  const type = req.headers["content-type"] ?? "";
  if (!type.startsWith("application/json"))
    throw new ApiError(415, "invalid_request_error", `content-type '${type}': send application/json`);
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of req as AsyncIterable<Buffer>) {
    bytes += block.length;
    if (bytes > limit)
      throw new ApiError(413, "invalid_request_error", `the body has more than ${limit} bytes`);
    blocks.push(block);
  }
  try {
    return JSON.parse(Buffer.concat(blocks).toString("utf8")) as unknown;
  } catch {
    throw new ApiError(400, "invalid_request_error", "the body is not JSON");
  }
}

/** Serves one generator over HTTP. */
class Engine {
  readonly #generator: TextGenerator;
  readonly #slots: Slots;
  readonly #metrics: EngineMetrics;
  readonly #maxBodyBytes: number;
  readonly #tracer: SpanSource | undefined;
  /** Aborted when the drain time is over. */
  readonly stopping = new AbortController();

  constructor(generator: TextGenerator, options: EngineOptions) {
    this.#generator = generator;
    this.#slots = new Slots(options.maxRunning ?? 4);
    this.#metrics = engineMetrics(generator.model, this.#slots);
    this.#maxBodyBytes = options.maxBodyBytes ?? 1024 * 1024;
    this.#tracer = options.tracer;
  }

  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      await this.#route(req, res);
    } catch (error) {
      if (res.headersSent || res.destroyed) {
        res.destroy();
        return;
      }
      const known =
        error instanceof ApiError ? error : new ApiError(500, "internal_error", "the engine failed");
      sendJson(res, known.status, {
        error: { message: known.message, type: known.type, param: null, code: null },
      });
    }
  }

  async #route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? "/").split("?")[0] ?? "/";
    const route = ROUTES[path];
    const { embed } = this.#generator;
    if (route === undefined || (path === "/v1/embeddings" && embed === undefined))
      throw new ApiError(404, "not_found_error", `there is no ${path}`);
    if (req.method !== route.method) {
      res.setHeader("allow", route.method);
      throw new ApiError(405, "invalid_request_error", `${path} takes ${route.method}`);
    }
    switch (path) {
      case "/health":
        sendJson(res, 200, { status: "ok" });
        return;
      case "/metrics":
        res.writeHead(200, { "content-type": this.#metrics.registry.contentType });
        res.end(await this.#metrics.registry.metrics());
        return;
      case "/v1/models":
        sendJson(res, 200, {
          object: "list",
          data: [{ id: this.#generator.model, object: "model", created: 0, owned_by: "local" }],
        });
        return;
      case "/v1/embeddings":
        if (embed !== undefined) await this.#embed(embed, await readJson(req, this.#maxBodyBytes), res);
        return;
      default: {
        const form = path === "/v1/chat/completions" ? "chat" : "completion";
        await this.#generate(engineRequest(form, await readJson(req, this.#maxBodyBytes)), req, res);
      }
    }
  }

  #expectModel(model: string): void {
    if (model !== this.#generator.model)
      throw new ApiError(
        404,
        "not_found_error",
        `there is no model '${model}'; this engine serves '${this.#generator.model}'`,
      );
  }

  async #embed(
    embed: NonNullable<TextGenerator["embed"]>,
    body: unknown,
    res: ServerResponse,
  ): Promise<void> {
    const { model, input } = embeddingRequest(body);
    this.#expectModel(model);
    await this.#slots.enter(this.stopping.signal);
    const vectors: TextVector[] = [];
    try {
      for (const text of input) vectors.push(await embed(text));
    } finally {
      this.#slots.leave();
    }
    const answer = embeddingAnswer(model, vectors);
    this.#metrics.prompt(vectors.reduce((sum, { tokens }) => sum + tokens, 0));
    sendJson(res, 200, answer);
  }

  async #generate(request: EngineRequest, req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.#expectModel(request.model);
    const gone = new AbortController();
    res.once("close", () => {
      gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, this.stopping.signal]);
    await this.#slots.enter(signal);
    const started = performance.now();
    const seconds = (): number => (performance.now() - started) / 1000;
    const promptTokens = request.messages.reduce(
      (sum, { content }) => sum + this.#generator.countTokens(content),
      0,
    );
    this.#metrics.prompt(promptTokens);
    const head: AnswerHead = {
      id: `${request.form === "chat" ? "chatcmpl" : "cmpl"}-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: request.model,
    };
    const span = generationSpan(this.#tracer, request, req.headers["traceparent"]);
    let produced = 0;
    let last = 0;
    const counted = this.#counted(request, signal, () => {
      produced += 1;
      const now = seconds();
      if (produced === 1) this.#metrics.firstToken(now);
      else this.#metrics.token(now - last);
      last = now;
    });
    const reply = request.answer === "whole" ? new WholeReply(res) : new StreamReply(res);
    try {
      for await (const piece of untilStop(counted, request.stop, request.maxTokens)) {
        if (piece.kind === "text") {
          await reply.text(request, head, piece.text);
          continue;
        }
        const usage: Usage = {
          prompt_tokens: promptTokens,
          completion_tokens: piece.tokens,
          total_tokens: promptTokens + piece.tokens,
        };
        this.#metrics.finished(piece.reason, piece.tokens, seconds());
        span.finished({ id: head.id, reason: piece.reason, usage });
        await reply.end(request, head, piece.reason, usage);
      }
    } catch (error) {
      this.#metrics.finished("abort", produced, seconds());
      span.aborted();
      throw error;
    } finally {
      this.#slots.leave();
    }
  }

  async *#counted(
    request: EngineRequest,
    signal: AbortSignal,
    onToken: () => void,
  ): AsyncGenerator<string, void> {
    const { messages, maxTokens, temperature, seed } = request;
    for await (const token of this.#generator.generate({ messages, maxTokens, temperature, seed, signal })) {
      onToken();
      yield token;
    }
    signal.throwIfAborted();
  }
}

interface Reply {
  text(request: EngineRequest, head: AnswerHead, text: string): Promise<void>;
  end(request: EngineRequest, head: AnswerHead, reason: "stop" | "length", usage: Usage): Promise<void>;
}

class WholeReply implements Reply {
  readonly #res: ServerResponse;
  #text = "";

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  text(_request: EngineRequest, _head: AnswerHead, text: string): Promise<void> {
    this.#text += text;
    return Promise.resolve();
  }

  end(request: EngineRequest, head: AnswerHead, reason: "stop" | "length", usage: Usage): Promise<void> {
    sendJson(this.#res, 200, wholeAnswer(request.form, head, this.#text, reason, usage));
    return Promise.resolve();
  }
}

class StreamReply implements Reply {
  readonly #res: ServerResponse;

  constructor(res: ServerResponse) {
    this.#res = res;
    res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  }

  async #event(data: string): Promise<void> {
    if (!this.#res.write(`data: ${data}\n\n`)) await once(this.#res, "drain");
  }

  text(request: EngineRequest, head: AnswerHead, text: string): Promise<void> {
    return this.#event(JSON.stringify(answerChunk(request.form, head, { kind: "text", text })));
  }

  async end(
    request: EngineRequest,
    head: AnswerHead,
    reason: "stop" | "length",
    usage: Usage,
  ): Promise<void> {
    await this.#event(JSON.stringify(answerChunk(request.form, head, { kind: "end", reason })));
    if (request.answer === "stream-with-usage")
      await this.#event(JSON.stringify(answerChunk(request.form, head, { kind: "usage", usage })));
    await this.#event("[DONE]");
    this.#res.end();
  }
}

async function listen(server: Server, port: number, address: string): Promise<string> {
  server.listen(port, address);
  await once(server, "listening");
  return `http://${address}:${(server.address() as AddressInfo).port}`;
}

/**
 * Serves a generator on loopback as an OpenAI-compatible engine.
 * @throws Error when the port is taken
 */
export async function startEngine(
  generator: TextGenerator,
  options: EngineOptions = {},
): Promise<RunningEngine> {
  const engine = new Engine(generator, options);
  const drain = new ConnectionDrain();
  const server = createServer((req, res) => {
    drain.follow(req, res);
    void engine.handle(req, res);
  });
  const url = await listen(server, options.port ?? 0, options.address ?? "127.0.0.1");
  return {
    url,
    model: generator.model,
    close: async () => {
      drain.begin();
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const deadline = setTimeout(() => {
        engine.stopping.abort(new Error("the engine stops"));
        server.closeAllConnections();
      }, options.drainMs ?? 5_000);
      await closed;
      clearTimeout(deadline);
      await generator.close();
    },
  };
}
