import { describe, expect, it } from "vitest";
import type { Json } from "../guards/leaves.ts";
import { unreadableContent } from "./content.ts";

const said = (...content: Json[]): { messages: Json } => ({ messages: [{ role: "user", content }] });

describe("unreadableContent", () => {
  it.each<[string, Record<string, Json>]>([
    ["a text", { messages: [{ role: "user", content: "hi" }] }],
    ["an answer without text", { messages: [{ role: "assistant", content: null, audio: null }] }],
    ["text parts", said({ type: "text", text: "hi" }, { type: "input_text", text: "hi" })],
    ["a refusal", said({ type: "refusal", refusal: "no" })],
    [
      "tool calls of a chat",
      {
        messages: [
          {
            role: "assistant",
            tool_calls: [
              { id: "1", type: "function", function: { name: "f", arguments: "{}" } },
              { id: "2", type: "custom", custom: { name: "c", input: "x" } },
            ],
          },
          { role: "assistant", function_call: { name: "f", arguments: "{}" } },
          { role: "tool", tool_call_id: "1", content: "done" },
        ],
      },
    ],
    [
      "tool use of Anthropic, whatever its arguments",
      said(
        { type: "thinking", thinking: "so", signature: "s" },
        { type: "tool_use", id: "t", name: "f", input: { type: "image", image_url: "u", file_id: "f" } },
        { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "done" }] },
        {
          type: "text",
          text: "x",
          cache_control: { type: "ephemeral" },
          citations: [{ type: "char_location" }],
        },
      ),
    ],
    ["a system prompt in parts", { system: [{ type: "text", text: "be kind" }] }],
    [
      "items of the Responses API",
      {
        instructions: "be kind",
        input: [
          { role: "user", content: "hi" },
          { role: "user", content: [{ type: "input_text", text: "hi" }] },
          {
            type: "message",
            role: "assistant",
            content: [{ type: "output_text", text: "a", annotations: [{ type: "url_citation", url: "u" }] }],
          },
          { type: "reasoning", summary: [{ type: "summary_text", text: "so" }], encrypted_content: null },
          { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "so" }] },
          { type: "function_call", call_id: "1", name: "f", arguments: "{}" },
          { type: "function_call_output", call_id: "1", output: "done" },
          { type: "function_call_output", call_id: "1", output: [{ type: "input_text", text: "done" }] },
          { type: "custom_tool_call", call_id: "2", name: "c", input: "x" },
          { type: "custom_tool_call_output", call_id: "2", output: "done" },
          { type: "web_search_call", action: { type: "search", query: "q" } },
          { type: "shell_call_output", call_id: "3", output: [{ stdout: "a", outcome: { type: "exit" } }] },
        ],
      },
    ],
    ["texts to embed", { input: ["a", "b"] }],
    ["a list of prompts", { prompt: ["a", "b"] }],
    ["text as the way to answer", { modalities: ["text"], audio: null }],
  ])("lets through %s", (_what, body) => {
    expect(unreadableContent(body)).toBeNull();
  });

  it.each<[string, Record<string, Json>, string]>([
    [
      "an image",
      said({ type: "image_url", image_url: { url: "data:" } }),
      'content[0] has the type "image_url"',
    ],
    ["embeddings of an image", said({ type: "image_embeds", image_embeds: "a" }), 'the type "image_embeds"'],
    ["embeddings of sound", said({ type: "audio_embeds", audio_embeds: "a" }), 'the type "audio_embeds"'],
    ["embeddings of a film", said({ type: "video_embeds", video_embeds: "a" }), 'the type "video_embeds"'],
    ["embeddings of a prompt", said({ type: "prompt_embeds", data: "a" }), 'the type "prompt_embeds"'],
    [
      "a part of tomorrow",
      said({ type: "text", text: "a" }, { type: "smell" }),
      'content[1] has the type "smell"',
    ],
    ["a part without a type", said({ image_pil: "a" }), "messages[0].content[0] has no type"],
    ["a content that is no list", { messages: [{ content: { image_url: "u" } }] }, "content has no type"],
    ["a type that is no text", said({ type: 1 }), "the type 1"],
    [
      "an image beside a text",
      said({ type: "text", text: "a", image_url: "u" }),
      "content[0].image_url is no text",
    ],
    [
      "a spoken answer",
      { messages: [{ role: "assistant", audio: { id: "a" } }] },
      "messages[0].audio is no text",
    ],
    [
      "encrypted thoughts of Anthropic",
      said({ type: "redacted_thinking", data: "x" }),
      '"redacted_thinking"',
    ],
    [
      "an image from a tool",
      said({ type: "tool_result", content: [{ type: "image", source: {} }] }),
      'messages[0].content[0].content[0] has the type "image"',
    ],
    [
      "encrypted thoughts",
      { input: [{ type: "reasoning", encrypted_content: "x" }] },
      "input[0].encrypted_content",
    ],
    ["a drawn image", { input: [{ type: "image_generation_call", result: "x" }] }, '"image_generation_call"'],
    ["a reference", { input: [{ type: "item_reference", id: "x" }] }, '"item_reference"'],
    ["an item that is nothing", { input: [{ image: "x" }] }, "input[0] has no type"],
    [
      "an image in the output of a function",
      { input: [{ type: "function_call_output", output: [{ type: "input_image", image_url: "u" }] }] },
      'input[0].output[0] has the type "input_image"',
    ],
    ["an image in the system prompt", { system: [{ type: "image" }] }, 'system[0] has the type "image"'],
    ["token ids", { input: [1, 2] }, "input has token ids"],
    ["lists of token ids", { input: [[1, 2]] }, "input has token ids"],
    ["token ids as a prompt", { prompt: [[1, 2]] }, "prompt is no text"],
    ["a stored prompt", { prompt: { id: "p" } }, "prompt is no text"],
    ["a stored conversation", { conversation: "c" }, "conversation keeps or finds"],
    ["speech as an answer", { modalities: ["text", "audio"] }, 'modalities asks for ["text","audio"]'],
    ["modalities of another form", { modalities: "audio" }, 'modalities asks for "audio"'],
    ["a voice", { audio: { voice: "alloy" } }, "audio asks for a spoken answer"],
    ["images as an answer", { tools: [{ type: "image_generation" }] }, "tools[0] answers with images"],
  ])("refuses %s", (_what, body, reason) => {
    expect(unreadableContent(body)).toContain(reason);
  });

  it("says what is allowed", () => {
    expect(unreadableContent(said({ type: "image" }))).toMatch(
      /parts with text are allowed: text, input_text/,
    );
  });
});
