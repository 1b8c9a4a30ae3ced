import type { EndpointPath } from "../config/schema.ts";
import type { StreamPiece } from "../guards/stream.ts";
import type { Json } from "../guards/leaves.ts";

/** A JSON object. */
export type JsonObject = Record<string, Json>;

/** Token counts an engine reported. */
export interface Usage {
  /** All input tokens, also those found in a prompt cache. */
  readonly input: number;
  readonly output: number;
  /** Input tokens that were found in a prompt cache. */
  readonly cachedInput: number;
}

/** Members that bound the output tokens at one endpoint or another. */
export const OUTPUT_CAPS = ["max_tokens", "max_completion_tokens", "max_output_tokens"] as const;

/** One of them. */
export type OutputCap = (typeof OUTPUT_CAPS)[number];

/** What the gateway needs to know about the format of an endpoint. */
export interface EndpointFormat {
  readonly path: EndpointPath;
  /** Members that bound the output tokens, the one to set when none is there first; none when there is no output. */
  readonly outputCaps: readonly OutputCap[];
  /** Answers asked for to each prompt. */
  copies(body: JsonObject): number;
  /** Prompts in one request. */
  prompts(body: JsonObject): number;
  /** Text that events add piece by piece. */
  pieces(event: JsonObject): StreamPiece[];
  /** Whether an event (or a `[DONE]` line) ends the stream. */
  ends(event: JsonObject | "[DONE]"): boolean;
}

/** The value as an object, or null. */
export function asObject(value: Json | undefined): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}

/** The objects in an array. */
export function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.map(asObject).filter((item) => item !== null) : [];
}

/** A JSON value as a name for grouping. */
export function tag(value: Json | undefined): string {
  return JSON.stringify(value ?? null);
}

/** Members that hold a tool call in chat answers. */
export const CALL_HOLDERS = ["function", "function_call", "custom"] as const;

function piece(holder: JsonObject, key: string, channel: string): StreamPiece[] {
  const text = holder[key];
  if (typeof text !== "string" || text === "") return [];
  return [{ channel, text, put: (changed) => (holder[key] = changed) }];
}

/** Arguments of a call in any of the chat forms: a function, a custom tool, or the older `function_call`. */
function argumentPieces(holder: JsonObject, channel: string): StreamPiece[] {
  return CALL_HOLDERS.flatMap((name) => {
    const call = asObject(holder[name]);
    return call === null ? [] : ["arguments", "input"].flatMap((key) => piece(call, key, channel));
  });
}

function choicePieces(choice: JsonObject): StreamPiece[] {
  const at = tag(choice["index"]);
  const delta = asObject(choice["delta"]);
  const pieces = piece(choice, "text", `${at}:text`);
  if (delta === null) return pieces;
  for (const key of ["content", "reasoning", "reasoning_content", "refusal"]) {
    pieces.push(...piece(delta, key, `${at}:${key}`));
  }
  for (const call of objectsIn(delta["tool_calls"])) {
    pieces.push(...argumentPieces(call, `${at}:tool:${tag(call["index"])}`));
  }
  pieces.push(...argumentPieces(delta, `${at}:function_call`));
  return pieces;
}

const copiesOf = (body: JsonObject): number => {
  const count = Math.max(Number(body["n"] ?? 1), Number(body["best_of"] ?? 1));
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
};
const one = (): number => 1;

const chatLike = {
  pieces: (event: JsonObject) => objectsIn(event["choices"]).flatMap(choicePieces),
  ends: (event: JsonObject | "[DONE]") => event === "[DONE]",
};

const FORMATS: Readonly<Record<EndpointPath, EndpointFormat>> = {
  "/v1/chat/completions": {
    path: "/v1/chat/completions",
    outputCaps: ["max_completion_tokens", "max_tokens"],
    copies: copiesOf,
    prompts: one,
    ...chatLike,
  },
  "/v1/completions": {
    path: "/v1/completions",
    outputCaps: ["max_tokens"],
    copies: copiesOf,
    prompts: ({ prompt }) => (Array.isArray(prompt) ? Math.max(1, prompt.length) : 1),
    ...chatLike,
  },
  "/v1/embeddings": {
    path: "/v1/embeddings",
    outputCaps: [],
    copies: one,
    prompts: one,
    pieces: () => [],
    ends: () => false,
  },
  "/v1/responses": {
    path: "/v1/responses",
    outputCaps: ["max_output_tokens"],
    copies: one,
    prompts: one,
    pieces: (event) => {
      const at = tag([
        event["item_id"] ?? null,
        event["output_index"] ?? null,
        event["content_index"] ?? null,
      ]);
      const what = event["type"] === "response.output_text.delta" ? "text" : tag(event["type"]);
      return piece(event, "delta", `${at}:${what}`);
    },
    ends: (event) =>
      event !== "[DONE]" &&
      ['"response.completed"', '"response.incomplete"', '"response.failed"'].includes(tag(event["type"])),
  },
  "/v1/messages": {
    path: "/v1/messages",
    outputCaps: ["max_tokens"],
    copies: one,
    prompts: one,
    pieces: (event) => {
      const delta = asObject(event["delta"]);
      if (delta === null) return [];
      const at = tag(event["index"]);
      return ["text", "partial_json", "thinking"].flatMap((key) => piece(delta, key, `${at}:${key}`));
    },
    ends: (event) => event !== "[DONE]" && event["type"] === "message_stop",
  },
};

/** Format of an endpoint. */
export function formatOf(path: EndpointPath): EndpointFormat {
  return FORMATS[path];
}

function count(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/**
 * Input tokens, with those of a prompt cache. OpenAI counts tokens that were found among the input; Anthropic counts what was
 * found and what was written beside it.
 * @see https://platform.openai.com/docs/guides/prompt-caching
 * @see https://platform.claude.com/docs/en/build-with-claude/prompt-caching
 */
function inputIn(usage: JsonObject): Partial<Pick<Usage, "input" | "cachedInput">> {
  const counted = count(usage["prompt_tokens"]) ?? count(usage["input_tokens"]);
  if (counted === null) return {};
  const beside = count(usage["cache_read_input_tokens"]);
  const written = count(usage["cache_creation_input_tokens"]);
  if (beside !== null || written !== null)
    return { input: counted + (beside ?? 0) + (written ?? 0), cachedInput: beside ?? 0 };
  const details = asObject(usage["prompt_tokens_details"]) ?? asObject(usage["input_tokens_details"]);
  const among = details === null ? null : count(details["cached_tokens"]);
  return { input: counted, ...(among === null ? {} : { cachedInput: Math.min(among, counted) }) };
}

/** Token counts in an answer or an event, in the OpenAI or the Anthropic form. */
export function usageIn(body: JsonObject): Partial<Usage> {
  const inner = asObject(body["response"]) ?? asObject(body["message"]);
  const usage = asObject(body["usage"]) ?? asObject(inner?.["usage"]);
  if (usage === null) return {};
  const output = count(usage["completion_tokens"]) ?? count(usage["output_tokens"]);
  return { ...inputIn(usage), ...(output === null ? {} : { output }) };
}

/** Members that repeat an answer token by token. */
export const TOKEN_COPIES: readonly string[] = ["logprobs", "token_ids"];

/** Removes token-level copies of the answer, which no text guard can read. */
export function dropTokenCopies(value: Json): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    value.forEach(dropTokenCopies);
    return;
  }
  for (const member of TOKEN_COPIES) if (member in value) value[member] = null;
  Object.values(value).forEach(dropTokenCopies);
}
