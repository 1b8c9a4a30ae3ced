import type { Json } from "../guards/leaves.ts";
import type { JsonObject } from "./endpoint.ts";
import { asObject, objectsIn } from "./endpoint.ts";

/** Content that is text all through. */
const PARTS = [
  "text",
  "input_text",
  "output_text",
  "summary_text",
  "reasoning_text",
  "refusal",
  "thinking",
  "tool_use",
  "server_tool_use",
  "mcp_tool_use",
  "tool_result",
  "mcp_tool_result",
  "search_result",
];
/** Items of the Responses API that are text all through. */
const ITEMS = [
  "message",
  "reasoning",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
  "web_search_call",
  "file_search_call",
  "local_shell_call",
  "local_shell_call_output",
  "shell_call",
  "shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
  "mcp_list_tools",
  "mcp_call",
  "mcp_approval_request",
  "mcp_approval_response",
];
const READABLE = new Set([...PARTS, ...ITEMS]);

/** Members that name or hold what is no text, wherever they stand. */
const OPAQUE_MEMBERS = [
  "image_url",
  "input_audio",
  "audio_url",
  "audio",
  "video_url",
  "image_embeds",
  "audio_embeds",
  "video_embeds",
  "prompt_embeds",
  "file_data",
  "file_id",
  "file_url",
  "encrypted_content",
];
/** Members whose values are about content or go to tools, and have types of their own. */
const ABOUT = new Set([
  "arguments",
  "tool_calls",
  "tools",
  "action",
  "operation",
  "outcome",
  "annotations",
  "citations",
  "cache_control",
]);
/** Members whose objects are parts, and parts say their type. */
const PART_LISTS = new Set(["content", "output", "summary", "system"]);
const STATEFUL = [
  "previous_response_id",
  "conversation",
  "background",
  "prompt_embeds",
  "container",
  "mcp_servers",
];

function isPresent(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** What a list of the request may hold: parts and items with a type, or messages, which need none. */
type Place = "part" | "item" | "other";

function placeOf(member: string, holder: Json | undefined): Place {
  if (!PART_LISTS.has(member)) return "other";
  return asObject(holder)?.["type"] === "shell_call_output" ? "other" : "part";
}

function unreadableIn(value: Json | undefined, path: string, place: Place): string | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      const found = unreadableIn(item, `${path}[${at}]`, place);
      if (found !== null) return found;
    }
    return null;
  }
  const { type } = value;
  const untyped = place === "other" || (place === "item" && typeof value["role"] === "string");
  const isReadable = typeof type === "string" ? READABLE.has(type) : type === undefined && untyped;
  if (!isReadable) {
    const has = type === undefined ? "no type" : `the type ${JSON.stringify(type).slice(0, 64)}`;
    return `${path} has ${has}; parts with text are allowed: ${PARTS.join(", ")}; and items: ${ITEMS.join(", ")}`;
  }
  const opaque = OPAQUE_MEMBERS.find((member) => isPresent(value[member]));
  if (opaque !== undefined) return `${path}.${opaque} is no text; leave it out`;
  for (const [member, inner] of Object.entries(value)) {
    const isInput = member === "input" && typeof type === "string" && type.endsWith("tool_use");
    if (isInput || ABOUT.has(member)) continue;
    const found = unreadableIn(inner, `${path}.${member}`, placeOf(member, value));
    if (found !== null) return found;
  }
  return null;
}

/** Whether a value is text, or a list of texts. */
function isText(value: Json): boolean {
  return (
    typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"))
  );
}

function unreadableAnswer(body: JsonObject): string | null {
  const { modalities, audio } = body;
  const asked = Array.isArray(modalities) ? modalities : [modalities];
  if (isPresent(modalities) && asked.some((modality) => modality !== "text"))
    return `modalities asks for ${JSON.stringify(modalities).slice(0, 64)}; allowed is ["text"]`;
  if (isPresent(audio)) return "audio asks for a spoken answer; leave it out";
  const draws = objectsIn(body["tools"]).findIndex(({ type }) => type === "image_generation");
  return draws === -1 ? null : `tools[${draws}] answers with images; leave it out`;
}

/**
 * First reason why the text guards could not read everything in a request and in its answer, or null: images, audio,
 * files, encrypted thoughts, token ids, references to content that lies elsewhere, and whatever has a type that is not
 * known to be text.
 */
export function unreadableContent(body: JsonObject): string | null {
  for (const member of STATEFUL) {
    if (isPresent(body[member]))
      return `${member} keeps or finds content outside of the request; leave it out`;
  }
  const { prompt = null, input = null } = body;
  if (prompt !== null && !isText(prompt)) return "prompt is no text; allowed are a text and a list of texts";
  if (Array.isArray(input) && input.some((item) => typeof item === "number" || Array.isArray(item)))
    return "input has token ids; allowed are texts";
  return (
    unreadableAnswer(body) ??
    unreadableIn(body["messages"], "messages", "other") ??
    unreadableIn(input, "input", "item") ??
    unreadableIn(body["system"], "system", "part") ??
    unreadableIn(body["instructions"], "instructions", "item")
  );
}
