import type { EvalCase } from "./case.ts";

/** Where a promptfoo run asks: our gateway as an HTTP provider. */
export interface PromptfooTarget {
  /** Gateway, without a path. */
  readonly url: string;
  readonly model: string;
  readonly maxTokens: number;
}

/** A check of one answer. */
interface Assertion {
  readonly type: "icontains-any" | "not-icontains-any" | "llm-rubric";
  readonly value: readonly string[] | string;
}

/** A configuration of promptfoo, as far as it is written here. @see https://www.promptfoo.dev/docs/configuration/reference/ */
export interface PromptfooConfig {
  readonly description: string;
  readonly prompts: readonly string[];
  readonly providers: readonly object[];
  readonly tests: readonly {
    readonly description: string;
    readonly vars: { readonly question: string };
    readonly metadata: { readonly suite: string; readonly id: string };
    readonly assert: readonly Assertion[];
  }[];
}

/** What promptfoo can check of a case; undefined where only our own graders can. */
function assertions({ grader }: EvalCase): Assertion[] | undefined {
  switch (grader.kind) {
    case "contains":
      return [{ type: "icontains-any", value: grader.any }];
    case "excludes":
      return [{ type: "not-icontains-any", value: grader.none }];
    case "grounded":
      return [
        { type: "icontains-any", value: grader.any },
        ...(grader.none.length === 0 ? [] : [{ type: "not-icontains-any" as const, value: grader.none }]),
      ];
    case "judge":
      return [{ type: "llm-rubric", value: grader.rubric }];
    case "coherent":
    case "withheld":
    case "clean":
    case "private":
    case "guarded":
    case "same-verdict":
    case "trajectory":
      return undefined;
  }
}

/** Cases as a configuration of promptfoo, and those that it cannot check as they are meant. The key comes from `LLMOPS_API_KEY`. */
export function promptfooConfig(
  cases: readonly EvalCase[],
  { url, model, maxTokens }: PromptfooTarget,
): { readonly config: PromptfooConfig; readonly left: readonly EvalCase[] } {
  const checked = cases.flatMap((each) => {
    const assert = assertions(each);
    const [question, more] = each.questions;
    return assert === undefined || question === undefined || more !== undefined
      ? []
      : [{ each, question, assert }];
  });
  const there = new Set(checked.map(({ each }) => each));
  return {
    config: {
      description: "Written by `llmops eval export promptfoo`; what opens the gate is `llmops eval`.",
      prompts: ["{{question}}"],
      providers: [
        {
          id: `${url.replace(/\/$/, "")}/v1/chat/completions`,
          label: model,
          config: {
            method: "POST",
            headers: {
              "content-type": "application/json",
              authorization: "Bearer {{env.LLMOPS_API_KEY}}",
            },
            body: {
              model,
              max_tokens: maxTokens,
              messages: [{ role: "user", content: "{{prompt}}" }],
            },
            transformResponse: "json.choices[0].message.content",
          },
        },
      ],
      tests: checked.map(({ each, question, assert }) => ({
        description: `${each.suite}/${each.id}`,
        vars: { question },
        metadata: { suite: each.suite, id: each.id },
        assert,
      })),
    },
    left: cases.filter((each) => !there.has(each)),
  };
}
