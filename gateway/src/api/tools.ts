import type { ClientConfig } from "../config/schema.ts";
import type { Json } from "../guards/leaves.ts";
import { compileSchema } from "./schema-check.ts";
import type { JsonObject } from "./endpoint.ts";
import { asObject, CALL_HOLDERS, objectsIn, tag } from "./endpoint.ts";

/** A tool a request offers to the model. */
export interface OfferedTool {
  readonly name: string;
  readonly schema: JsonObject | null;
}

/** A tool call in an answer. */
export interface ToolCall {
  readonly name: string;
  /** Arguments, parsed when they came as JSON; undefined when they should be JSON and are not. A custom tool gets text. */
  readonly args: Json | undefined;
}

/** Tools offered in any of the supported request formats. */
export function toolsOffered(body: JsonObject): OfferedTool[] {
  const offered = [...objectsIn(body["tools"]), ...objectsIn(body["functions"])];
  return offered.map((tool) => {
    const inner = asObject(tool["function"]) ?? asObject(tool["custom"]) ?? tool;
    const name = inner["name"] ?? tool["type"];
    return {
      name: typeof name === "string" ? name : "",
      schema: asObject(inner["parameters"]) ?? asObject(inner["input_schema"]),
    };
  });
}

/** What an answer or an event says about one tool call. */
interface Mention {
  /** The same for all mentions of one call. */
  readonly key: string;
  /** Pieces are put together; the rest says it all. */
  readonly kind: "piece" | "whole";
  readonly name: string;
  readonly args: Json;
  readonly format: "json" | "text";
}

// Items and blocks that are calls: function_call, custom_tool_call, web_search_call ..., tool_use, server_tool_use ...
const CALL_TYPE = /^(?:\w+_call|(?:\w+_)?tool_use)$/;
const ARGUMENTS_TYPE = /^(?:input_json_delta|response\.(?:\w+_arguments|custom_tool_call_input)\.delta)$/;
/** Members around what whole answers and events have in common. */
const WRAPPERS = new Set(["message", "delta", "content_block", "item", "response", "output"]);

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function isEmpty(args: Json): boolean {
  return args === "" || args === null || (typeof args === "object" && Object.keys(args).length === 0);
}

function ownMentions(value: JsonObject, key: string): Mention[] {
  const type = textOf(value["type"]);
  if (CALL_TYPE.test(type)) {
    const name = textOf(value["name"]) || type.replace(/_call$/, "");
    const args = value["input"] ?? value["arguments"] ?? value["action"] ?? null;
    const format = type === "custom_tool_call" ? "text" : "json";
    return [{ key, kind: isEmpty(args) ? "piece" : "whole", name, args, format }];
  }
  if (ARGUMENTS_TYPE.test(type)) {
    const args = value["partial_json"] ?? value["delta"] ?? null;
    return [{ key, kind: "piece", name: "", args, format: type.includes("custom") ? "text" : "json" }];
  }
  return CALL_HOLDERS.flatMap((holder): Mention[] => {
    const { name, arguments: json, input } = asObject(value[holder]) ?? {};
    const args = json ?? input ?? "";
    if (typeof name !== "string" && args === "") return [];
    const kind = typeof args === "string" ? "piece" : "whole";
    return [{ key, kind, name: textOf(name), args, format: holder === "custom" ? "text" : "json" }];
  });
}

function mentionsIn(value: Json, key: string): Mention[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, at) => mentionsIn(item, `${key}/${tag(asObject(item)?.["index"] ?? at)}`));
  }
  const own = ownMentions(value, key);
  if (CALL_TYPE.test(textOf(value["type"]))) return own;
  const inner = Object.entries(value).flatMap(([name, member]) =>
    mentionsIn(member, WRAPPERS.has(name) ? key : `${key}/${name}`),
  );
  return [...own, ...inner];
}

function parsed(args: Json, format: Mention["format"]): Json | undefined {
  if (typeof args !== "string" || format === "text") return args;
  try {
    return JSON.parse(args === "" ? "{}" : args) as Json;
  } catch {
    return undefined;
  }
}

/** Calls that mentions with the same key make: one, unless they contradict each other. */
function callsOf(mentions: readonly Mention[]): ToolCall[] {
  const format = mentions.some((mention) => mention.format === "text") ? "text" : "json";
  const { piece: pieces = [], whole = [] } = Object.groupBy(mentions, ({ kind }) => kind);
  const calls = whole.map(({ name, args }) => ({ name, args: parsed(args, format) }));
  const name = pieces.map((piece) => piece.name).join("");
  const text = pieces.map(({ args }) => textOf(args)).join("");
  const isStart = text === "" && calls.some((call) => call.name === name);
  if (pieces.length > 0 && !isStart) calls.push({ name, args: parsed(text, format) });
  return [...new Map(calls.map((call) => [JSON.stringify([call.name, call.args ?? null]), call])).values()];
}

/** Tool calls anywhere in an answer, or in the events of a stream, put together from their pieces. */
export function toolCallsIn(parts: readonly JsonObject[]): ToolCall[] {
  const mentions = parts.flatMap((part) => {
    const at = part["output_index"] ?? part["index"];
    return mentionsIn(part, at === undefined ? "" : `/${tag(at)}`);
  });
  return [...Map.groupBy(mentions, ({ key }) => key).values()].flatMap(callsOf);
}

/** Whether a client may offer or get calls of a tool. */
export function mayUse(client: ClientConfig, name: string): boolean {
  if (client.tools === "any") return name !== "";
  return client.tools !== "none" && client.tools.includes(name);
}

/** First thing wrong with the tool calls of an answer, or null. */
export function toolFault(
  client: ClientConfig,
  offered: readonly OfferedTool[],
  calls: readonly ToolCall[],
): string | null {
  for (const call of calls) {
    const tool = offered.find(({ name }) => name === call.name);
    if (tool === undefined || !mayUse(client, call.name)) return "tool-not-allowed";
    if (call.args === undefined) return "tool-arguments";
    if (tool.schema !== null && compileSchema(tool.schema)(call.args).kind !== "valid")
      return "tool-arguments";
  }
  return null;
}
