import type { EvalCase } from "../case.ts";
import { normal, WORD_BREAKS } from "../grade.ts";
import type { Evaluated } from "../report.ts";
import { GUARD_CODES } from "../run/target.ts";

/** Where a promptfoo run asks: our gateway as an HTTP provider. */
export interface PromptfooTarget {
  /** Gateway, without a path. */
  readonly url: string;
  readonly model: string;
  readonly maxTokens: number;
  /** What is evaluated; its results count for exactly this. Only the data sets are known where the stack does not serve the model. */
  readonly evaluated: Pick<Evaluated, "dataSets"> & Partial<Evaluated>;
}

/** A check of one answer. */
type Assertion =
  | {
      readonly type: "contains-any" | "not-contains-any";
      readonly value: readonly string[];
      readonly transform: string;
    }
  | { readonly type: "llm-rubric"; readonly value: string };

/** A configuration of promptfoo, as far as it is written here. @see https://www.promptfoo.dev/docs/configuration/reference/ */
export interface PromptfooConfig {
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly prompts: readonly string[];
  readonly providers: readonly object[];
  readonly tests: readonly {
    readonly description: string;
    readonly vars: { readonly question: string };
    readonly metadata: { readonly suite: string; readonly id: string };
    readonly assert: readonly Assertion[];
  }[];
}

/** The words of an answer as our graders read them, in promptfoo's JavaScript. */
const WORDS = `' ' + output.toLowerCase()${WORD_BREAKS.map((each) => `.replace(${String(each)}, ' ')`).join("")}.trim() + ' '`;

function words(type: "contains-any" | "not-contains-any", phrases: readonly string[]): Assertion {
  return { type, value: phrases.map(normal), transform: WORDS };
}

/** What promptfoo can check of a case; undefined where only our own graders can. */
function assertions({ grader }: EvalCase): Assertion[] | undefined {
  switch (grader.kind) {
    case "contains":
      return [words("contains-any", grader.any)];
    case "excludes":
      return [words("not-contains-any", grader.none)];
    case "grounded":
      return [
        words("contains-any", grader.any),
        ...(grader.none.length === 0 ? [] : [words("not-contains-any", grader.none)]),
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

/** Reads an answer of the gateway: a guard's refusal is an empty answer with its reason, any other error is an error. */
const READ_ANSWER =
  `(json) => ${JSON.stringify([...GUARD_CODES])}.includes(json.error?.code)` +
  " ? { output: '', metadata: { refused: json.error.code }, tokenUsage: { prompt: 0, completion: 0, total: 0 } }" +
  " : { output: json.choices[0].message.content ?? ''," +
  " tokenUsage: { prompt: json.usage.prompt_tokens, completion: json.usage.completion_tokens, total: json.usage.total_tokens } }";

/** Cases as a configuration of promptfoo, and those that it cannot check as they are meant. The key comes from `LLMOPS_API_KEY`. */
export function promptfooConfig(
  cases: readonly EvalCase[],
  { url, model, maxTokens, evaluated }: PromptfooTarget,
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
      description: "Written by `llmops eval export`; read its results with `llmops eval import`.",
      tags: evaluated,
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
              seed: 0,
              messages: [{ role: "user", content: "{{prompt}}" }],
            },
            validateStatus: "status === 200 || status === 403",
            transformResponse: READ_ANSWER,
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
