import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EvalCase } from "./case.ts";
import { decide, type CaseResult } from "./gate.ts";
import { reportPage } from "./html.ts";
import type { EvaluationReport } from "./report.ts";

const hash = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;

function result(suite: string, index: number, score: number | null): CaseResult {
  const measured = { latencyMs: (index + 1) * 10, tokens: index + 1 };
  return { suite, id: `${suite}-${index}`, score, grader: "deterministic", ...measured };
}

function resultsFor(suite: string, scores: readonly (number | null)[]): CaseResult[] {
  return scores.map((score, index) => result(suite, index, score));
}

const cases: EvalCase[] = ["factuality", "jailbreak"].flatMap((suite) =>
  Array.from({ length: 20 }, (_, index): EvalCase => ({
    id: `${suite}-${index}`,
    suite,
    questions: ["Question?"],
    tools: [],
    grader: suite === "factuality" ? { kind: "contains", any: ["x"] } : { kind: "excludes", none: ["x"] },
  })),
);

const good = Array<number>(20).fill(1);
const worse = good.map((score, index) => (index < 6 ? 0 : score));
const baseline = [...resultsFor("factuality", good), ...resultsFor("jailbreak", good)];
const candidate = [...resultsFor("factuality", worse), ...resultsFor("jailbreak", good)];

function reportOf(
  ours: readonly CaseResult[],
  theirs: readonly CaseResult[] | null,
  change: Partial<EvaluationReport> = {},
): EvaluationReport {
  const decision = decide({ candidate: ours, baseline: theirs, judge: { kind: "none" }, minSamples: 10 });
  const evaluated = { model: hash("a"), prompt: "none" as const, guardrails: hash("b"), dataSets: hash("c") };
  return {
    schema: "llmops.evaluation/v1",
    run: "run-2",
    stack: "acme-prod",
    environment: "prod",
    model: "claims",
    evaluated,
    engine: "model",
    finishedAt: "2026-11-25T10:00:00.000Z",
    completeness: { kind: "complete" },
    ...decision,
    comparison:
      decision.comparison === null
        ? null
        : { baseline: evaluated, baselineRun: "run-1", ...decision.comparison },
    judge: null,
    ...change,
  };
}

/** Text of every title inside a chart: what a reader sees who points at it. */
function titles(page: string): string[] {
  return [...page.matchAll(/<title>([^<]*)<\/title>/g)].map(([, text = ""]) => text).slice(1);
}

describe("the page of a report", () => {
  const page = reportPage(reportOf(candidate, baseline), cases, { candidate, baseline });

  it("draws the change of the pooled quality and of each suite with its interval", () => {
    expect(titles(page).slice(0, 3)).toEqual([
      // Worked out by hand: 6 of 40 lost, (-6 / 42) +- 2.326 * sqrt((8 / 42 - (6 / 42) ^ 2) / 42).
      "all that is pooled: -29.1 % to 0.5 % on 40 cases",
      expect.stringMatching(/^factuality: -\d+\.\d % to -?\d+\.\d % on 20 cases$/),
      expect.stringMatching(/^jailbreak: -\d+\.\d % to \d+\.\d % on 20 cases$/),
    ]);
  });

  it("counts the failures of each grader in both runs", () => {
    const chart = /aria-label="Failed cases by grader">(.*?)<\/svg>/.exec(page)?.[1] ?? "";
    expect([...chart.matchAll(/>(\d+ of \d+)</g)].map(([, text]) => text)).toEqual([
      "6 of 20",
      "0 of 20",
      "0 of 20",
      "0 of 20",
    ]);
  });

  it("draws the distributions of latency and of billed tokens", () => {
    expect(titles(page).slice(3)).toEqual([
      "candidate: median 110 ms, 95 % below 200 ms",
      "baseline: median 110 ms, 95 % below 200 ms",
      "candidate: median 11 tokens, 95 % below 20 tokens",
      "baseline: median 11 tokens, 95 % below 20 tokens",
    ]);
  });

  it("says what there was not: a baseline, answers, measurements", () => {
    const unmeasured = candidate.map((each) => ({ ...each, latencyMs: null, tokens: null }));
    const stopped = { kind: "incomplete", answers: 12, questions: 40, reason: "<the cap>" } as const;
    const first = reportPage(reportOf(unmeasured, null, { completeness: stopped }), cases, {
      candidate: unmeasured,
      baseline: null,
    });
    expect(first).toContain("There was no baseline: limits only.");
    expect(first).toContain("Incomplete: 12 of 40 answers. &lt;the cap&gt;");
    expect(first).toContain("Share of cases by latency: nothing was measured.");
    expect(first).not.toContain(">baseline<");
  });

  it("holds only numbers that can be drawn, whatever the scores", () => {
    const scores = fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(scores, scores, (ours, theirs) => {
        const runs = {
          candidate: resultsFor("factuality", ours),
          baseline: resultsFor("factuality", theirs),
        };
        const drawn = reportPage(reportOf(runs.candidate, runs.baseline), cases, runs);
        expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
      }),
      { numRuns: 50 },
    );
  });
});
