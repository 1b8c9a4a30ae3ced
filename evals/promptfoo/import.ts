import { z } from "zod";
import type { EvalCase } from "../case.ts";
import { grade, type Answer } from "../grade.ts";
import { ReportError } from "../report.ts";
import type { RunHead, RunLine } from "../run/journal.ts";

const answer = z.object({
  output: z.string(),
  /** Set where the answer came from promptfoo's own cache. */
  cached: z.boolean().default(false),
  metadata: z.object({ refused: z.string().optional() }).default({}),
  tokenUsage: z.object({ prompt: z.int().min(0), completion: z.int().min(0) }),
});

const result = z.object({
  success: z.boolean(),
  latencyMs: z.number().min(0),
  testCase: z.object({
    vars: z.object({ question: z.string() }),
    metadata: z.object({ suite: z.string(), id: z.string() }),
  }),
  /** Absent where the gateway could not be asked. */
  response: z.unknown().optional(),
  error: z.string().nullish(),
  failureReason: z.int(),
});

/** What `promptfoo eval -o results.json` writes, as far as it is read here. */
const exported = z.object({
  config: z.object({
    tags: z.record(z.string(), z.string()).default({}),
    providers: z
      .array(
        z.object({ config: z.object({ body: z.object({ model: z.string(), max_tokens: z.int().min(1) }) }) }),
      )
      .length(1),
  }),
  results: z.object({ timestamp: z.iso.datetime(), results: z.array(result) }),
});

/** Results of promptfoo that fit what was exported. */
export type PromptfooResults = z.output<typeof exported>;

/** How promptfoo marks a test that could not be asked or checked, against one that failed. */
const ERROR = 2;

/**
 * Reads the results of a promptfoo run.
 * @throws ReportError naming file and key
 */
export function readPromptfooResults(file: string, value: unknown): PromptfooResults {
  const parsed = exported.safeParse(value);
  if (!parsed.success)
    throw new ReportError(
      parsed.error.issues
        .map(({ path, message }) => `${file}: ${z.core.toDotPath(path) || "the file"}: ${message}`)
        .join("\n"),
    );
  return parsed.data;
}

/** Longest answer the run allowed, tokens. */
export function maxTokensOf({ config }: PromptfooResults): number {
  return config.providers[0]?.config.body.max_tokens ?? 0;
}

/**
 * Answers of a promptfoo run as those of a run of our own. A test that could not be asked is left open.
 * @param head what is evaluated now: the run must have asked exactly this
 * @throws ReportError naming file, key and value: another model, prompt, guardrail or data set, an unknown case, another question, an answer from a
 *   cache, a verdict that our graders do not share
 */
export function promptfooLines(
  file: string,
  { config, results }: PromptfooResults,
  head: RunHead,
  cases: readonly EvalCase[],
): RunLine[] {
  const fail = (key: string, found: unknown, reason: string): never => {
    throw new ReportError(
      `${file}: ${key} = ${found === undefined ? "nothing" : JSON.stringify(found)}: ${reason}`,
    );
  };
  for (const [what, wanted] of Object.entries(head.evaluated))
    if (config.tags[what] !== wanted)
      fail(
        `config.tags.${what}`,
        config.tags[what],
        `${wanted} is evaluated now: export the suites and run them again`,
      );
  const asked = config.providers[0]?.config.body.model;
  if (asked !== head.model)
    fail("config.providers[0].config.body.model", asked, `'${head.model}' is evaluated`);
  const byKey = new Map(cases.map((each) => [`${each.suite}/${each.id}`, each]));
  const seen = new Set<string>();
  return results.results.flatMap(
    ({ testCase, success, latencyMs, response, failureReason }, at): RunLine[] => {
      const where = `results.results[${at}]`;
      const { suite, id } = testCase.metadata;
      const key = `${suite}/${id}`;
      const each = byKey.get(key);
      if (each === undefined)
        return fail(`${where}.testCase.metadata`, key, "the data sets have no such case");
      if (seen.has(key)) return fail(`${where}.testCase.metadata`, key, "it is there twice");
      seen.add(key);
      if (testCase.vars.question !== each.questions[0])
        return fail(
          `${where}.testCase.vars.question`,
          testCase.vars.question,
          "the case asks something else",
        );
      if (failureReason === ERROR) return [];
      const parsed = answer.safeParse(response);
      if (!parsed.success) return fail(`${where}.response`, response, z.prettifyError(parsed.error));
      const { output, cached, metadata, tokenUsage } = parsed.data;
      if (cached)
        return fail(`${where}.response.cached`, cached, "nobody asked the gateway: run it with --no-cache");
      const given: Answer =
        metadata.refused === undefined
          ? { kind: "answered", text: output, calls: [] }
          : { kind: "refused", reason: metadata.refused };
      const score = grade(each, [given]);
      if (score !== null && score !== Number(success))
        return fail(`${where}.success`, success, `our graders give ${score} to this answer`);
      return [
        {
          suite,
          id,
          repeat: 0,
          answers: [given.kind === "answered" ? { ...given, calls: [] } : given],
          ms: latencyMs,
          inputTokens: tokenUsage.prompt,
          outputTokens: tokenUsage.completion,
          at: results.timestamp,
        },
      ];
    },
  );
}
