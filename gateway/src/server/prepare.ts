import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { unreadableContent } from "../api/content.ts";
import type { EndpointFormat, JsonObject } from "../api/endpoint.ts";
import { asObject, formatOf, OUTPUT_CAPS } from "../api/endpoint.ts";
import { compileSchema, UnusableSchemaError } from "../api/schema-check.ts";
import type { OfferedTool } from "../api/tools.ts";
import { mayUse, toolsOffered } from "../api/tools.ts";
import type { ClientConfig, EndpointPath, ModelConfig } from "../config/schema.ts";
import type { Json } from "../guards/leaves.ts";
import type { Refusal } from "./http.ts";
import type { Policy } from "./runtime.ts";

/** A request that may go on, with its body already bounded by the policy. */
export interface PreparedRequest {
  readonly format: EndpointFormat;
  readonly model: ModelConfig;
  readonly body: JsonObject;
  readonly stream: boolean;
  /** Whether the client asked for the usage of a stream. */
  readonly wantsUsage: boolean;
  readonly tools: readonly OfferedTool[];
  /** Schema the answer must follow. */
  readonly outputSchema: JsonObject | null;
  /** Upstream calls it may take: a second one asks again for an answer that does not follow its schema. */
  readonly rounds: 1 | 2;
  /** Most output tokens over all answers of one round. */
  readonly outputTokens: number;
  /** Input tokens to reserve for one round. */
  readonly inputTokens: number;
}

/** Result of looking at a request; `model` is the configured name or "other". */
export type Preparation =
  | { readonly kind: "ready"; readonly request: PreparedRequest }
  | { readonly kind: "refused"; readonly result: "denied" | "invalid"; readonly refusal: Refusal };

function invalid(code: string, message: string): Preparation {
  return { kind: "refused", result: "invalid", refusal: { status: 400, code, message } };
}

function denied(code: string, message: string, status = 403): Preparation {
  return { kind: "refused", result: "denied", refusal: { status, code, message } };
}

/** Parses a JSON object; null when the bytes are something else. */
export function parseObject(bytes: Buffer): JsonObject | null {
  try {
    return isUtf8(bytes) ? asObject(JSON.parse(bytes.toString("utf8")) as Json) : null;
  } catch {
    return null;
  }
}

/** Deepest nesting of a body, in levels; clients send a dozen, and recursion ends at some thousands. */
export const MAX_DEPTH = 64;

/** Whether a body nests deeper than `MAX_DEPTH`; iterative, because the parser takes any depth. */
export function isTooDeep(body: JsonObject): boolean {
  const stack: { readonly holder: Json[] | JsonObject; readonly depth: number }[] = [
    { holder: body, depth: 1 },
  ];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { holder, depth } = item;
    if (depth > MAX_DEPTH) return true;
    for (const member of Object.values(holder))
      if (typeof member === "object" && member !== null) stack.push({ holder: member, depth: depth + 1 });
  }
  return false;
}

/**
 * Whether every string is whole and every number finite; the others have no canonical form, so no digest.
 * @see https://www.rfc-editor.org/rfc/rfc7493#section-2
 */
function isInteroperable(value: Json): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isInteroperable);
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isInteroperable(member));
}

/** A request body as a JSON object, or why it is refused. */
export type ParsedRequest =
  | { readonly kind: "object"; readonly body: JsonObject }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Parses a request body that everything after it can work on. */
export function parseRequest(bytes: Buffer): ParsedRequest {
  const refused = (code: string, message: string): ParsedRequest => ({
    kind: "refused",
    refusal: { status: 400, code, message },
  });
  const body = parseObject(bytes);
  if (body === null) return refused("json_invalid", "The body is not a JSON object in UTF-8.");
  if (isTooDeep(body)) return refused("json_too_deep", `The body may nest ${MAX_DEPTH} levels.`);
  if (!isInteroperable(body))
    return refused("json_not_interoperable", "A string holds half a character, or a number is not finite.");
  return { kind: "object", body };
}

/** Bounds the output by the smallest cap there is; members of other endpoints go, because engines ignore what they do not know. */
function capOutput({ outputCaps }: EndpointFormat, body: JsonObject, limit: number): number | null {
  const [standard] = outputCaps;
  if (standard === undefined) return 0;
  let cap = limit;
  for (const member of OUTPUT_CAPS) {
    const asked = body[member];
    if (asked === undefined || asked === null) continue;
    if (typeof asked !== "number" || !Number.isSafeInteger(asked) || asked < 1) return null;
    cap = Math.min(cap, asked);
  }
  const present = outputCaps.filter((member) => typeof body[member] === "number");
  for (const member of OUTPUT_CAPS) Reflect.deleteProperty(body, member);
  for (const member of present.length > 0 ? present : [standard]) body[member] = cap;
  return cap;
}

function schemaOf(body: JsonObject, model: ModelConfig): JsonObject | null {
  const format = asObject(body["response_format"]) ?? asObject(asObject(body["text"])?.["format"]);
  const inner = asObject(format?.["json_schema"]) ?? format;
  return model.outputSchema ?? asObject(inner?.["schema"]);
}

/** Checks a request against what the client may do and bounds what it can use. */
export function prepare(
  policy: Policy,
  client: ClientConfig,
  path: EndpointPath,
  body: JsonObject,
  bytes: number,
): Preparation {
  const name = body["model"];
  if (typeof name !== "string") return invalid("model_missing", 'The member "model" is missing.');
  const model = policy.models.get(name);
  if (model === undefined || !client.models.includes(name))
    return denied("model_not_found", "There is no such model for this key.", 404);
  if (!client.endpoints.includes(path) || !model.endpoints.includes(path)) {
    return denied("endpoint_not_allowed", "This key may not use this endpoint with this model.");
  }
  const { stream: wanted = false } = body;
  if (typeof wanted !== "boolean") return invalid("stream_invalid", 'The member "stream" is true or false.');
  if (wanted && policy.config.guards.stream.mode === "refuse")
    return denied("stream_refused", "Streams are switched off.");
  const format = formatOf(path);
  if (wanted && format.outputCaps.length === 0)
    return invalid("stream_invalid", "This endpoint does not stream.");
  const unreadable = unreadableContent(body);
  if (unreadable !== null)
    return denied("content_not_inspectable", `The guards cannot read this request: ${unreadable}.`, 400);
  const tools = toolsOffered(body);
  if (tools.some((tool) => !mayUse(client, tool.name)))
    return denied("tool_not_allowed", "This key may not use one of these tools.");
  const outputSchema = format.outputCaps.length === 0 ? null : schemaOf(body, model);
  try {
    for (const schema of [outputSchema, ...tools.map((tool) => tool.schema)])
      if (schema !== null) compileSchema(schema);
  } catch (error) {
    if (error instanceof UnusableSchemaError) return invalid("schema_unusable", error.message);
    throw error;
  }
  const copies = format.copies(body);
  const cap = capOutput(format, body, model.maxOutputTokens);
  if (cap === null) return invalid("max_tokens_invalid", "The token limit is a positive integer.");
  delete body["priority"];
  if (body["store"] !== undefined || path === "/v1/responses") body["store"] = false;
  const options = asObject(body["stream_options"]);
  const wantsUsage = options?.["include_usage"] === true;
  const isChat = path === "/v1/chat/completions" || path === "/v1/completions";
  if (wanted && isChat) body["stream_options"] = { ...options, include_usage: true };
  return {
    kind: "ready",
    request: {
      format,
      model,
      body,
      stream: wanted,
      wantsUsage: wantsUsage || !isChat,
      tools,
      outputSchema,
      rounds: outputSchema !== null && !wanted && Array.isArray(body["messages"]) ? 2 : 1,
      outputTokens: cap * copies * format.prompts(body),
      inputTokens: Math.ceil(bytes / 2) * copies,
    },
  };
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TICKET = /^[0-9a-f-]{36}$/;
const REFERENCE = /^[\w.:@/+=-]{1,128}$/;

function headerText(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** What a caller says about the call in headers; none of it weakens a guard or a record, save an approval a person gave. */
export interface CallerContext {
  readonly trace: string | null;
  readonly traceparent: string | null;
  readonly subject: string | null;
  readonly reviewer: string | null;
  readonly prompt: string | null;
  /** Review ticket whose approval is to be used. */
  readonly approval: string | null;
}

/** Reads the context headers; malformed ones count as missing. */
export function callerContext(headers: IncomingHttpHeaders): CallerContext {
  const traceparent = headerText(headers, "traceparent");
  const trace = TRACEPARENT.exec(traceparent ?? "")?.[1] ?? null;
  const prompt = headerText(headers, "x-llmops-prompt");
  const approval = headerText(headers, "x-llmops-approval");
  return {
    trace,
    traceparent: trace === null ? null : traceparent,
    subject: headerText(headers, "x-llmops-subject"),
    reviewer: headerText(headers, "x-llmops-reviewer"),
    prompt: prompt !== null && REFERENCE.test(prompt) ? prompt : null,
    approval: approval !== null && TICKET.test(approval) ? approval : null,
  };
}
