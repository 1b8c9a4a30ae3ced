import { describe, expect, it } from "vitest";
import type { JsonObject } from "./endpoint.ts";
import { toolCallsIn, toolsOffered } from "./tools.ts";

const weather = [{ name: "weather", args: { city: "Bilbao" } }];
const patch = [{ name: "patch", args: "not JSON" }];
const json = '{"city":"Bilbao"}';

const inChat = (member: "message" | "delta", value: JsonObject): JsonObject => ({
  choices: [{ index: 0, [member]: value }],
});

const functionItem = { type: "function_call", name: "weather", call_id: "c", arguments: json };
const customItem = { type: "custom_tool_call", name: "patch", call_id: "c", input: "not JSON" };
const block = { type: "tool_use", id: "t", name: "weather", input: { city: "Bilbao" } };

describe("toolCallsIn", () => {
  it.each<[string, JsonObject[], readonly object[]]>([
    [
      "a chat",
      [inChat("message", { tool_calls: [{ function: { name: "weather", arguments: json } }] })],
      weather,
    ],
    [
      "a chat stream",
      [
        inChat("delta", { tool_calls: [{ index: 0, function: { name: "weather", arguments: "" } }] }),
        inChat("delta", { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
        inChat("delta", { tool_calls: [{ index: 0, function: { arguments: '"Bilbao"}' } }] }),
      ],
      weather,
    ],
    ["an older chat", [inChat("message", { function_call: { name: "weather", arguments: json } })], weather],
    [
      "an older chat stream",
      [
        inChat("delta", { function_call: { name: "weather", arguments: "" } }),
        inChat("delta", { function_call: { arguments: '{"city":"Bil' } }),
        inChat("delta", { function_call: { arguments: 'bao"}' } }),
      ],
      weather,
    ],
    [
      "a custom tool",
      [inChat("message", { tool_calls: [{ custom: { name: "patch", input: "not JSON" } }] })],
      patch,
    ],
    [
      "a custom tool in a stream",
      [
        inChat("delta", {
          tool_calls: [{ index: 0, type: "custom", custom: { name: "patch", input: "not " } }],
        }),
        inChat("delta", { tool_calls: [{ index: 0, custom: { input: "JSON" } }] }),
      ],
      patch,
    ],
    ["Anthropic", [{ type: "message", content: [{ type: "text", text: "x" }, block] }], weather],
    [
      "an Anthropic stream",
      [
        { type: "content_block_start", index: 1, content_block: { ...block, input: {} } },
        {
          type: "content_block_delta",
          index: 1,
          delta: { type: "input_json_delta", partial_json: '{"city":' },
        },
        {
          type: "content_block_delta",
          index: 1,
          delta: { type: "input_json_delta", partial_json: '"Bilbao"}' },
        },
      ],
      weather,
    ],
    [
      "Responses",
      [{ object: "response", output: [{ type: "reasoning", summary: [] }, functionItem] }],
      weather,
    ],
    [
      "a Responses stream",
      [
        { type: "response.output_item.added", output_index: 1, item: { ...functionItem, arguments: "" } },
        { type: "response.function_call_arguments.delta", output_index: 1, delta: json },
        { type: "response.output_item.done", output_index: 1, item: functionItem },
        {
          type: "response.completed",
          response: { output: [{ type: "reasoning", summary: [] }, functionItem] },
        },
      ],
      weather,
    ],
    ["a custom tool of Responses", [{ output: [customItem] }], patch],
    [
      "a custom tool in a Responses stream",
      [
        { type: "response.output_item.added", output_index: 0, item: { ...customItem, input: "" } },
        { type: "response.custom_tool_call_input.delta", output_index: 0, delta: "not JSON" },
        { type: "response.output_item.done", output_index: 0, item: customItem },
      ],
      patch,
    ],
    [
      "a tool the provider runs",
      [{ output: [{ type: "web_search_call", id: "w", action: { type: "search", query: "q" } }] }],
      [{ name: "web_search", args: { type: "search", query: "q" } }],
    ],
    ["two calls alike", [{ content: [block, block] }], [...weather, ...weather]],
    [
      "an item that ends as another call than it began",
      [
        {
          type: "response.output_item.added",
          output_index: 0,
          item: { ...functionItem, name: "shell", arguments: "" },
        },
        { type: "response.output_item.done", output_index: 0, item: functionItem },
      ],
      [...weather, { name: "shell", args: {} }],
    ],
    [
      "a call that looks like one in its arguments",
      [{ content: [{ ...block, input: { function: { name: "shell" } } }] }],
      [{ name: "weather", args: { function: { name: "shell" } } }],
    ],
    ["text", [inChat("message", { content: "x", tool_calls: [], function_call: null })], []],
  ])("finds what %s asks for", (_what, parts, calls) => {
    expect(toolCallsIn(parts)).toEqual(calls);
  });

  it("says which arguments are not JSON", () => {
    expect(toolCallsIn([inChat("message", { function_call: { name: "f", arguments: "{" } })])).toEqual([
      { name: "f", args: undefined },
    ]);
  });
});

describe("toolsOffered", () => {
  it("reads functions, custom tools and tools of the provider", () => {
    const tools = [
      { type: "function", function: { name: "a", parameters: { type: "object" } } },
      { type: "custom", custom: { name: "b" } },
      { type: "custom", name: "c" },
      { type: "web_search" },
    ];
    expect(toolsOffered({ tools, functions: [{ name: "d" }] }).map(({ name }) => name)).toEqual([
      "a",
      "b",
      "c",
      "web_search",
      "d",
    ]);
  });
});
