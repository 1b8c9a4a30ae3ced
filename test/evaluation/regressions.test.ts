import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvalCase } from "../../evals/case.ts";
import { readDataSets } from "../../evals/data-sets.ts";
import { evaluationOf } from "../../evals/evaluation.ts";
import type { EvaluationReport } from "../../evals/report.ts";
import type { StoredRun } from "../../evals/run/journal.ts";
import { run } from "../../evals/run/runner.ts";
import { guardrailVersion } from "../../gateway/src/guards/version.ts";
import type { GatewayConfigInput } from "../../gateway/src/config/schema.ts";
import { startEvaluated } from "../../local/evaluated.ts";
import type { GenerationRequest, TextGenerator } from "../../local/engine/generator.ts";

const { cases, digest } = readDataSets();
const tools = [...new Set(cases.flatMap((each) => each.tools.map(({ name }) => name)))];
const byQuestion = new Map(
  cases.flatMap((each) => each.questions.map((question) => [question, each] as const)),
);

/** What a good model says, as far as rules can tell. */
function goodAnswer({ grader }: EvalCase, question: string): string {
  switch (grader.kind) {
    case "contains":
    case "grounded":
      return `It is ${grader.any[0] ?? ""}.`;
    case "same-verdict":
      return "Yes.";
    case "private":
      return question;
    case "clean":
    case "coherent":
    case "excludes":
    case "guarded":
    case "judge":
    case "trajectory":
    case "withheld":
      return "I am happy to help with that.";
  }
}

/** A program that answers from the data sets: it takes the place of a model, so that the regressions are known exactly. */
function scripted(wrongEvery: number): TextGenerator {
  let factual = 0;
  return {
    model: "scripted",
    kind: "stand-in",
    countTokens: (text) => text.split(/\s+/).length,
    // eslint-disable-next-line @typescript-eslint/require-await -- the interface streams
    async *generate({ messages }: GenerationRequest) {
      const question = messages.at(-1)?.content ?? "";
      const isCareless = messages[0]?.content.includes("riddles") === true;
      const found = byQuestion.get(question);
      if (found?.grader.kind === "contains") factual += 1;
      const isWrong = found?.grader.kind === "contains" && factual % wrongEvery === 0;
      yield isCareless || isWrong
        ? "What walks at dawn and never comes home?"
        : found === undefined
          ? question
          : goodAnswer(found, question);
    },
    close: () => Promise.resolve(),
  };
}

const GUARDS: NonNullable<GatewayConfigInput["guards"]> = {
  input: [
    { detector: "secrets", action: "block" },
    { detector: "injection", action: "block" },
    { detector: "pii", action: "redact" },
  ],
  output: [
    { detector: "secrets", action: "block" },
    { detector: "pii", action: "redact" },
  ],
};

interface Setup {
  readonly system?: string;
  readonly wrongEvery?: number;
  readonly guards?: NonNullable<GatewayConfigInput["guards"]>;
}

let folder = "";
let runs = 0;

/** Asks everything through a real gateway. */
async function evaluated({
  system = "Answer in one sentence.",
  wrongEvery = Infinity,
  guards = GUARDS,
}: Setup): Promise<StoredRun> {
  runs += 1;
  const own = join(folder, String(runs));
  const running = await startEvaluated({
    generator: scripted(wrongEvery),
    prompts: [{ version: "p", system }],
    guards,
    tools,
    folder: join(own, "gateway"),
  });
  const zero = `sha256:${"0".repeat(64)}` as const;
  try {
    return await run({
      head: {
        schema: "llmops.evaluation-run/v1",
        run: `run-${runs}`,
        stack: "local",
        environment: "local",
        model: running.model,
        evaluated: { model: zero, prompt: zero, guardrails: guardrailVersion(guards), dataSets: digest },
        engine: "stand-in",
        maxTokens: 48,
        repeats: 1,
        cases: cases.length,
        startedAt: new Date().toISOString(),
      },
      cases,
      target: { baseUrl: running.url, apiKey: running.apiKey, model: running.model, maxTokens: 48 },
      folder: join(own, "run"),
      price: { inputUsdPerMillion: 0, outputUsdPerMillion: 0, usdPerHour: 0 },
      maxUsd: 0,
      limits: { promptBytes: 0, maxCaseMs: 60_000 },
      concurrency: 8,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
  } finally {
    await running.close();
  }
}

let baseline: StoredRun;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-regressions-"));
  baseline = await evaluated({});
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function judged(setup: Setup): Promise<EvaluationReport> {
  return evaluationOf({ candidate: await evaluated(setup), baseline, cases, minSamples: 200 });
}

/** What stopped it, without the measured speed, which depends on the machine that runs the test. */
function stops({ reasons }: EvaluationReport): string[] {
  return reasons.filter((reason) => !reason.startsWith("latency"));
}

describe("through the gateway", () => {
  it("an equal candidate is not stopped", async () => {
    const report = await judged({});
    expect([report.samples, report.comparison?.difference, report.comparison?.decision]).toEqual([
      314,
      0,
      "passed",
    ]);
    expect(stops(report)).toEqual([]);
  }, 120_000);

  it("a worse prompt is stopped", async () => {
    const report = await judged({ system: "Speak in riddles." });
    expect(report.decision).toBe("failed");
    expect(report.suites.find(({ name }) => name === "factuality")).toMatchObject({
      score: 0,
      decision: "failed",
    });
  }, 120_000);

  it("a worse model is stopped: one factual answer in four is wrong", async () => {
    const report = await judged({ wrongEvery: 4 });
    expect(report.decision).toBe("failed");
    expect(report.comparison?.decision).toBe("failed");
  }, 120_000);

  it.each<[string, NonNullable<GatewayConfigInput["guards"]>, string]>([
    [
      "personal data goes through",
      { input: GUARDS.input?.filter(({ detector }) => detector !== "pii") ?? [], output: [] },
      "pii-leak: ",
    ],
    [
      "injection goes through",
      { ...GUARDS, input: GUARDS.input?.filter(({ detector }) => detector !== "injection") ?? [] },
      "injection: 20 of 20 failed",
    ],
  ])(
    "weaker guardrails are stopped: %s",
    async (_what, guards, reason) => {
      const report = await judged({ guards });
      expect(report.decision).toBe("failed");
      expect(stops(report).some((each) => each.startsWith(reason))).toBe(true);
      expect(report.evaluated.guardrails).not.toBe(baseline.head.evaluated.guardrails);
    },
    120_000,
  );
});
