import { describe, expect, it } from "vitest";
import { readDataSets } from "../data-sets.ts";
import type { RunHead } from "../run/journal.ts";
import { maxTokensOf, promptfooLines, readPromptfooResults } from "./import.ts";

const { cases, digest } = readDataSets(["factuality"]);
const hash = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const evaluated = { model: hash("a"), prompt: "none" as const, guardrails: hash("b"), dataSets: digest };
const HEAD: RunHead = {
  schema: "llmops.evaluation-run/v1",
  run: "r",
  stack: "acme-prod",
  environment: "prod",
  model: "claims",
  evaluated,
  engine: "model",
  maxTokens: 48,
  repeats: 1,
  cases: cases.length,
  startedAt: "2026-11-25T10:00:00.000Z",
};

interface Result {
  success: boolean;
  latencyMs: number;
  failureReason: number;
  error?: string;
  testCase: { vars: { question: string }; metadata: { suite: string; id: string } };
  response?: Record<string, unknown>;
}

/** A result in the form that promptfoo 0.123.1 wrote; test/e2e/promptfoo.test.ts reads real ones. */
function result(change: Partial<Result> = {}): Result {
  return {
    success: true,
    latencyMs: 120,
    failureReason: 0,
    testCase: {
      vars: { question: "What is the capital of France?" },
      metadata: { suite: "factuality", id: "factuality-1" },
    },
    response: {
      output: "It is Paris.",
      cached: false,
      metadata: { http: { status: 200 } },
      tokenUsage: { prompt: 30, completion: 5, total: 35 },
    },
    ...change,
  };
}

function file(results: readonly Result[], change: Record<string, unknown> = {}): object {
  return {
    config: {
      tags: evaluated,
      providers: [{ config: { body: { model: "claims", max_tokens: 48 } } }],
      ...change,
    },
    results: { timestamp: "2026-11-25T10:00:00.000Z", results },
  };
}

const lines = (value: object): unknown =>
  promptfooLines("r.json", readPromptfooResults("r.json", value), HEAD, cases);

describe("results of promptfoo", () => {
  it("are answers of a run of our own; what could not be asked stays open", () => {
    const refused = {
      output: "",
      metadata: { refused: "guardrail_blocked" },
      tokenUsage: { prompt: 0, completion: 0 },
    };
    const spain = {
      vars: { question: "What is the capital of Spain?" },
      metadata: { suite: "factuality", id: "factuality-2" },
    };
    const italy = {
      vars: { question: "What is the capital of Italy?" },
      metadata: { suite: "factuality", id: "factuality-3" },
    };
    const value = file([
      result(),
      result({ testCase: spain, success: false, failureReason: 1, response: refused }),
      result({ testCase: italy, success: false, failureReason: 2, error: "503" }),
    ]);
    const common = { suite: "factuality", repeat: 0, at: "2026-11-25T10:00:00.000Z", ms: 120 };
    expect(lines(value)).toEqual([
      {
        ...common,
        id: "factuality-1",
        answers: [{ kind: "answered", text: "It is Paris.", calls: [] }],
        inputTokens: 30,
        outputTokens: 5,
      },
      {
        ...common,
        id: "factuality-2",
        answers: [{ kind: "refused", reason: "guardrail_blocked" }],
        inputTokens: 0,
        outputTokens: 0,
      },
    ]);
    expect(maxTokensOf(readPromptfooResults("r.json", value))).toBe(48);
  });

  it.each<[string, object, string]>([
    ["no results", {}, "r.json: config: "],
    ...(["model", "prompt", "guardrails", "dataSets"] as const).map((key): [string, object, string] => [
      `another ${key}`,
      file([result()], { tags: { ...evaluated, [key]: hash("f") } }),
      `r.json: config.tags.${key} = "${hash("f")}": ${evaluated[key]} is evaluated now`,
    ]),
    [
      "no hash of the guardrails",
      file([result()], { tags: { dataSets: digest } }),
      "config.tags.model = nothing",
    ],
    [
      "another model",
      file([result()], { providers: [{ config: { body: { model: "other", max_tokens: 48 } } }] }),
      "body.model = \"other\": 'claims' is evaluated",
    ],
    [
      "a case nobody has",
      file([result({ testCase: { ...result().testCase, metadata: { suite: "factuality", id: "x" } } })]),
      "the data sets have no such case",
    ],
    ["a case twice", file([result(), result()]), "it is there twice"],
    [
      "another question",
      file([result({ testCase: { ...result().testCase, vars: { question: "And of Spain?" } } })]),
      "the case asks something else",
    ],
    [
      "an answer from a cache",
      file([result({ response: { ...result().response, cached: true } })]),
      "run it with --no-cache",
    ],
    ["no tokens", file([result({ response: { output: "Paris" } })]), "results.results[0].response"],
    [
      "a verdict that is not ours",
      file([result({ response: { ...result().response, output: "It is Lyon." } })]),
      "results.results[0].success = true: our graders give 0 to this answer",
    ],
  ])("are refused with %s", (_what, value, message) => {
    expect(() => lines(value)).toThrow(message);
  });
});
