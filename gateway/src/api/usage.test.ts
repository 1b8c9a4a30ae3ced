import { describe, expect, it } from "vitest";
import { usageIn } from "./endpoint.ts";

describe("usageIn", () => {
  it.each([
    ["chat", { usage: { prompt_tokens: 10, completion_tokens: 3 } }, { input: 10, output: 3 }],
    [
      "chat with a prompt cache",
      { usage: { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 8 } } },
      { input: 10, cachedInput: 8, output: 3 },
    ],
    [
      "responses with a prompt cache",
      {
        response: {
          usage: { input_tokens: 10, output_tokens: 3, input_tokens_details: { cached_tokens: 4 } },
        },
      },
      { input: 10, cachedInput: 4, output: 3 },
    ],
    [
      "messages, where tokens of the cache are counted beside the input",
      {
        message: {
          usage: {
            input_tokens: 10,
            output_tokens: 1,
            cache_read_input_tokens: 90,
            cache_creation_input_tokens: 20,
          },
        },
      },
      { input: 120, cachedInput: 90, output: 1 },
    ],
    [
      "messages that only wrote to the cache",
      { usage: { input_tokens: 10, output_tokens: 1, cache_creation_input_tokens: 20 } },
      { input: 30, cachedInput: 0, output: 1 },
    ],
    [
      "more cached tokens than there were",
      { usage: { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 99 } } },
      { input: 10, cachedInput: 10, output: 3 },
    ],
    [
      "cached tokens that are no count",
      { usage: { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: -1 } } },
      { input: 10, output: 3 },
    ],
    ["nothing", { choices: [] }, {}],
  ])("reads %s", (_name, body, expected) => {
    expect(usageIn(body)).toEqual(expected);
  });
});
