import type { Json } from "../guards/leaves.ts";
import type { JsonObject } from "./endpoint.ts";
import { asObject } from "./endpoint.ts";

const OPAQUE_TYPES = new Set([
  "image_url",
  "input_image",
  "image",
  "input_audio",
  "audio",
  "audio_url",
  "video",
  "video_url",
  "file",
  "input_file",
  "document",
  "container_upload",
  "item_reference",
  "compaction",
]);
const OPAQUE_MEMBERS = [
  "image_url",
  "input_audio",
  "audio_url",
  "video_url",
  "file_data",
  "file_id",
  "encrypted_content",
];
const STATEFUL = [
  "previous_response_id",
  "conversation",
  "background",
  "prompt_embeds",
  "container",
  "mcp_servers",
];

function opaquePart(value: Json | undefined): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(opaquePart);
  if (typeof value["type"] === "string" && OPAQUE_TYPES.has(value["type"])) return true;
  if (OPAQUE_MEMBERS.some((member) => member in value)) return true;
  const isToolUse = value["type"] === "tool_use";
  return Object.entries(value).some(([key, member]) => !(isToolUse && key === "input") && opaquePart(member));
}

function hasNumbers(value: Json | undefined): boolean {
  return Array.isArray(value) && value.some((item) => typeof item === "number" || hasNumbers(item));
}

/**
 * First reason why the text guards could not read everything in a request, or null: images, audio, files, token ids
 * and references to content that lies elsewhere.
 */
export function unreadableContent(body: JsonObject): string | null {
  for (const member of STATEFUL) {
    const value = body[member];
    if (value !== undefined && value !== null && value !== false) return member;
  }
  if (asObject(body["prompt"]) !== null) return "prompt";
  if (hasNumbers(body["prompt"]) || hasNumbers(body["input"])) return "token-ids";
  for (const member of ["messages", "input", "system", "instructions"]) {
    if (opaquePart(body[member])) return "media";
  }
  return null;
}
