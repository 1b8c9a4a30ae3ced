import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDataSets } from "../data-sets.ts";
import { normal } from "../grade.ts";
import { promptfooConfig } from "./export.ts";

const evaluated = { dataSets: `sha256:${"d".repeat(64)}`, prompt: "none" as const };
const target = { url: "https://gateway.example/", model: "claims", maxTokens: 48, evaluated };

/** An expression of a configuration, as promptfoo runs it. */
function expression(parameters: readonly string[], code: string): (...values: readonly unknown[]) => unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- the file holds code for promptfoo, which runs it so
  return new Function(...parameters, `return (${code});`) as (...values: readonly unknown[]) => unknown;
}

describe("the suites as a configuration of promptfoo", () => {
  it("ask through the gateway, with a key that is in no file", () => {
    const { config } = promptfooConfig(readDataSets(["factuality"]).cases, target);
    expect(config.providers).toEqual([
      {
        id: "https://gateway.example/v1/chat/completions",
        label: "claims",
        config: {
          method: "POST",
          headers: { "content-type": "application/json", authorization: "Bearer {{env.LLMOPS_API_KEY}}" },
          body: {
            model: "claims",
            max_tokens: 48,
            seed: 0,
            messages: [{ role: "user", content: "{{prompt}}" }],
          },
          validateStatus: "status === 200 || status === 403",
          transformResponse: expect.any(String) as string,
        },
      },
    ]);
    expect(config.tags).toEqual(evaluated);
    expect(config.tests).toHaveLength(64);
    expect(config.tests[0]).toEqual({
      description: "factuality/factuality-1",
      vars: { question: "What is the capital of France?" },
      metadata: { suite: "factuality", id: "factuality-1" },
      assert: [{ type: "contains-any", value: [" paris "], transform: expect.any(String) as string }],
    });
  });

  it("read words as our graders do, whatever the text", () => {
    const [first] = promptfooConfig(readDataSets(["factuality"]).cases, target).config.tests;
    const [assertion] = first?.assert ?? [];
    const words = expression(["output"], assertion?.type === "contains-any" ? assertion.transform : "");
    expect(words("It's  PARIS, isn't it? 3.5 %.")).toBe(" it s paris isn t it 3.5 % ");
    const letters = fc.integer({ min: 0x20, max: 0x2fff }).map((code) => String.fromCodePoint(code));
    fc.assert(
      fc.property(fc.string({ unit: letters }), (text) => {
        expect(words(text)).toBe(normal(text));
      }),
    );
  });

  it("take a guard's refusal for an empty answer, and any other error for an error", () => {
    const [provider] = promptfooConfig([], target).config.providers as {
      config: { transformResponse: string };
    }[];
    const read = expression(["json"], `(${provider?.config.transformResponse ?? ""})(json)`);
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    expect(read({ choices: [{ message: { content: "Paris" } }], usage })).toEqual({
      output: "Paris",
      tokenUsage: { prompt: 3, completion: 2, total: 5 },
    });
    expect(read({ error: { code: "guardrail_blocked", message: "no" } })).toEqual({
      output: "",
      metadata: { refused: "guardrail_blocked" },
      tokenUsage: { prompt: 0, completion: 0, total: 0 },
    });
    expect(() => read({ error: { code: "rate_limited", message: "slow down" } })).toThrow(TypeError);
  });

  it("hold each case once or say that it is left", () => {
    const { cases } = readDataSets();
    const { config, left } = promptfooConfig(cases, target);
    const names = [...config.tests.map(({ metadata }) => metadata.id), ...left.map(({ id }) => id)];
    expect(names.sort()).toEqual(cases.map(({ id }) => id).sort());
    const kinds = new Set(left.map(({ grader }) => grader.kind));
    for (const kind of ["contains", "excludes", "grounded", "judge"] as const)
      expect([kind, kinds.has(kind)]).toEqual([kind, false]);
  });

  it("give a judge's rubric as one", () => {
    const [judged] = promptfooConfig(readDataSets(["usefulness"]).cases, target).config.tests;
    expect(judged?.assert).toEqual([
      {
        type: "llm-rubric",
        value:
          "The answer gives a correct reason (sunlight is scattered, blue more than red) in words a child of ten understands.",
      },
    ]);
  });
});
