import type { EndpointPath } from "../config/schema.ts";
import { TOKEN_COPIES } from "./endpoint.ts";
import { isName, type Envelope, type Json } from "../guards/leaves.ts";

function place(names: string, inner: Readonly<Record<string, Envelope>> = {}): Envelope {
  return { names: new Set(names.split(" ")), inner: new Map(Object.entries(inner)) };
}

const message = place("role", { tool_calls: place("id type") });
const choices = place("finish_reason stop_reason", { message, delta: message });
const chat = place("id object model system_fingerprint service_tier", { choices });

const embeddings = place("id object model", { data: place("object") });

const outputPart = place("type");
const outputItem = place("id type role status call_id", { content: outputPart, summary: outputPart });
const response = place("id object model status service_tier", { output: outputItem });

const block = place("id type tool_use_id");
const anthropicMessage = place("id type role model stop_reason", { content: block });

/** Where the answers and the events of each endpoint have their ids, types and roles; the arguments of a tool call are not such a place. */
export const ENVELOPES: Readonly<Record<EndpointPath, Envelope>> = {
  "/v1/chat/completions": chat,
  "/v1/completions": chat,
  "/v1/embeddings": embeddings,
  "/v1/responses": place("id object model status service_tier type item_id response_id obfuscation", {
    output: outputItem,
    response,
    item: outputItem,
    part: outputPart,
  }),
  "/v1/messages": place("id type role model stop_reason", {
    content: block,
    message: anthropicMessage,
    content_block: block,
    delta: place("type stop_reason"),
  }),
};

/** Characters of what an answer says, without the names in its envelope and without token-level copies. */
export function charactersIn(value: Json, envelope: Envelope | null): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce((sum, [name, member]) => {
    if (TOKEN_COPIES.includes(name)) return sum;
    if (typeof member === "string" && isName(envelope, name, member)) return sum;
    const inner = Array.isArray(value) ? envelope : (envelope?.inner.get(name) ?? null);
    return sum + charactersIn(member, inner);
  }, 0);
}
