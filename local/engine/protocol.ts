import { z } from "zod";
import type { ChatMessage, TextVector } from "./generator.ts";

/** An error as OpenAI-compatible servers return it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const content = z.union([
  z.string(),
  z
    .array(z.object({ type: z.literal("text"), text: z.string() }))
    .transform((parts) => parts.map(({ text }) => text).join("\n")),
]);

const shared = {
  model: z.string(),
  max_tokens: z.int().min(1).max(4096).optional(),
  temperature: z.number().min(0).max(2).default(0),
  seed: z.int().default(0),
  stop: z
    .union([
      z
        .string()
        .min(1)
        .transform((stop) => [stop]),
      z.array(z.string().min(1)).max(4),
    ])
    .nullable()
    .default([]),
  stream: z.boolean().default(false),
  stream_options: z.object({ include_usage: z.boolean().default(false) }).optional(),
  n: z.literal(1, { error: "this engine gives one answer per request" }).default(1),
};

const chat = z.object({
  ...shared,
  max_completion_tokens: z.int().min(1).max(4096).optional(),
  messages: z
    .array(z.object({ role: z.enum(["system", "user", "assistant"]), content }))
    .min(1, { error: "there is no message" }),
});

const completion = z.object({ ...shared, prompt: z.string() });

/** Tokens of an answer when the request names no limit. */
const DEFAULT_MAX_TOKENS = 128;

/** A request in the engine's own terms. */
export interface EngineRequest {
  readonly form: "chat" | "completion";
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly stop: readonly string[];
  readonly answer: "whole" | "stream" | "stream-with-usage";
}

function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new ApiError(
    400,
    "invalid_request_error",
    `${field === "" ? "body" : field}: ${issue?.message ?? "not valid"}`,
  );
}

/**
 * Reads the body of a request.
 * @throws ApiError 400 naming the field
 */
export function engineRequest(form: EngineRequest["form"], body: unknown): EngineRequest {
  const data = checked<z.output<typeof chat> | z.output<typeof completion>>(
    form === "chat" ? chat : completion,
    body,
  );
  const limit = "messages" in data ? (data.max_completion_tokens ?? data.max_tokens) : data.max_tokens;
  return {
    form,
    model: data.model,
    messages: "messages" in data ? data.messages : [{ role: "user", content: data.prompt }],
    maxTokens: limit ?? DEFAULT_MAX_TOKENS,
    temperature: data.temperature,
    seed: data.seed,
    stop: data.stop ?? [],
    answer: !data.stream
      ? "whole"
      : data.stream_options?.include_usage === true
        ? "stream-with-usage"
        : "stream",
  };
}

/** Token counts of one answer. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Head of every response and chunk. */
export interface AnswerHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** A whole answer. */
export function wholeAnswer(
  form: EngineRequest["form"],
  head: AnswerHead,
  text: string,
  reason: "stop" | "length",
  usage: Usage,
): object {
  const choice =
    form === "chat"
      ? { index: 0, message: { role: "assistant", content: text }, finish_reason: reason }
      : { index: 0, text, finish_reason: reason };
  const object = form === "chat" ? "chat.completion" : "text_completion";
  return { ...head, object, choices: [choice], usage };
}

/** What one chunk of a stream carries. */
export type ChunkContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "end"; readonly reason: "stop" | "length" }
  | { readonly kind: "usage"; readonly usage: Usage };

/** One chunk of a streamed answer. */
export function answerChunk(form: EngineRequest["form"], head: AnswerHead, content: ChunkContent): object {
  const object = form === "chat" ? "chat.completion.chunk" : "text_completion";
  if (content.kind === "usage") return { ...head, object, choices: [], usage: content.usage };
  const reason = content.kind === "end" ? content.reason : null;
  const text = content.kind === "text" ? content.text : "";
  const choice =
    form === "chat"
      ? { index: 0, delta: text === "" ? {} : { content: text }, finish_reason: reason }
      : { index: 0, text, finish_reason: reason };
  return { ...head, object, choices: [choice] };
}

const embedding = z.object({
  model: z.string(),
  input: z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1).max(64)]),
  encoding_format: z.literal("float", { error: "this engine writes numbers" }).default("float"),
});

/**
 * Reads the body of a request for vectors.
 * @throws ApiError 400 naming the field
 */
export function embeddingRequest(body: unknown): z.output<typeof embedding> {
  return checked(embedding, body);
}

/** The vectors of texts, in their order. */
export function embeddingAnswer(model: string, vectors: readonly TextVector[]): object {
  const tokens = vectors.reduce((sum, each) => sum + each.tokens, 0);
  return {
    object: "list",
    model,
    data: vectors.map(({ vector }, index) => ({ object: "embedding", index, embedding: vector })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}
