import { describe, expect, it } from "vitest";
import { readDataSets } from "./data-sets.ts";
import { promptfooConfig } from "./promptfoo.ts";

const target = { url: "https://gateway.example/", model: "claims", maxTokens: 48 };

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
            messages: [{ role: "user", content: "{{prompt}}" }],
          },
          transformResponse: "json.choices[0].message.content",
        },
      },
    ]);
    expect(config.tests).toHaveLength(64);
    expect(config.tests[0]).toEqual({
      description: "factuality/factuality-1",
      vars: { question: "What is the capital of France?" },
      metadata: { suite: "factuality", id: "factuality-1" },
      assert: [{ type: "icontains-any", value: ["Paris"] }],
    });
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
