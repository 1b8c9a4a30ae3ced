import type { ClientConfig } from "../config/schema.ts";
import type { Json } from "../guards/leaves.ts";
import { compileSchema } from "./schema-check.ts";
import type { JsonObject } from "./endpoint.ts";
import { asObject, objectsIn, tag } from "./endpoint.ts";

/** A tool a request offers to the model. */
export interface OfferedTool {
  readonly name: string;
  readonly schema: JsonObject | null;
}

/** A tool call in an answer. */
export interface ToolCall {
  readonly name: string;
  /** Arguments, parsed when they came as text; undefined when they are not JSON. */
  readonly args: Json | undefined;
}

/** Tools offered in any of the supported request formats. */
export function toolsOffered(body: JsonObject): OfferedTool[] {
  const offered = [...objectsIn(body["tools"]), ...objectsIn(body["functions"])];
  return offered.map((tool) => {
    const inner = asObject(tool["function"]) ?? tool;
    const name = inner["name"] ?? tool["type"];
    return {
      name: typeof name === "string" ? name : "",
      schema: asObject(inner["parameters"]) ?? asObject(inner["input_schema"]),
    };
  });
}

function parsed(value: Json | undefined): Json | undefined {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return undefined;
  }
}

/** Tool calls anywhere in an answer. */
export function toolCallsIn(value: Json): ToolCall[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(toolCallsIn);
  const calls: ToolCall[] = [];
  const named = asObject(value["function"]) ?? asObject(value["function_call"]);
  if (named !== null && typeof named["name"] === "string") {
    calls.push({ name: named["name"], args: parsed(named["arguments"]) });
  }
  const type = value["type"];
  if ((type === "tool_use" || type === "function_call") && typeof value["name"] === "string") {
    calls.push({ name: value["name"], args: parsed(value["input"] ?? value["arguments"]) });
  }
  return [...calls, ...Object.values(value).flatMap(toolCallsIn)];
}

/** Tool calls of a chat stream, put together from the pieces of its events. */
export function toolCallsOfStream(events: readonly JsonObject[]): ToolCall[] {
  const calls = new Map<string, { name: string; text: string }>();
  const take = (key: string, name: Json | undefined, text: Json | undefined): void => {
    const call = calls.get(key) ?? { name: "", text: "" };
    calls.set(key, call);
    if (typeof name === "string") call.name += name;
    if (typeof text === "string") call.text += text;
  };
  const whole: ToolCall[] = [];
  for (const event of events) {
    for (const choice of objectsIn(event["choices"])) {
      for (const call of objectsIn(asObject(choice["delta"])?.["tool_calls"])) {
        const target = asObject(call["function"]);
        take(`${tag(choice["index"])}:${tag(call["index"])}`, target?.["name"], target?.["arguments"]);
      }
    }
    const block = asObject(event["content_block"]);
    if (block?.["type"] === "tool_use") take(tag(event["index"]), block["name"], undefined);
    const delta = asObject(event["delta"]);
    if (delta?.["type"] === "input_json_delta") take(tag(event["index"]), undefined, delta["partial_json"]);
    if (event["type"] === "response.output_item.done") whole.push(...toolCallsIn(event["item"] ?? null));
  }
  const built = [...calls.values()].map(({ name, text }) => ({
    name,
    args: parsed(text === "" ? "{}" : text),
  }));
  return [...built, ...whole];
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
