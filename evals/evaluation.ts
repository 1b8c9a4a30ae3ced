import type { EvalCase } from "./case.ts";
import { decide, type JudgeStanding } from "./gate.ts";
import { ReportError, type EvaluationReport } from "./report.ts";
import { resultsOf, type JudgeVerdicts } from "./results.ts";
import type { StoredRun } from "./run/journal.ts";

/** Two runs and how they are judged. */
export interface EvaluationInput {
  readonly candidate: StoredRun;
  /** Null for the first run of a model. */
  readonly baseline: StoredRun | null;
  readonly cases: readonly EvalCase[];
  readonly minSamples: number;
  /** What stopped the candidate's run before its end. @default nothing did */
  readonly stopped?: string | undefined;
  /** Verdicts of a judge and what it may do with them. */
  readonly judge?: {
    readonly standing: JudgeStanding;
    readonly record: EvaluationReport["judge"];
    readonly candidate: JudgeVerdicts;
    readonly baseline: JudgeVerdicts;
  };
}

function completenessOf(
  { head, lines }: StoredRun,
  stopped: string | undefined,
): EvaluationReport["completeness"] {
  const questions = head.cases * head.repeats;
  return lines.length >= questions
    ? { kind: "complete" }
    : {
        kind: "incomplete",
        answers: lines.length,
        questions,
        reason: stopped ?? "not every question was answered",
      };
}

/**
 * Compares two runs and writes what was found.
 * @throws ReportError when they asked different things: then a difference means nothing
 */
export function evaluationOf({
  candidate,
  baseline,
  cases,
  minSamples,
  stopped,
  judge,
}: EvaluationInput): EvaluationReport {
  const { head, lines } = candidate;
  if (baseline !== null)
    for (const [what, ours, theirs] of [
      ["data sets", head.evaluated.dataSets, baseline.head.evaluated.dataSets],
      ["the longest answer", head.maxTokens, baseline.head.maxTokens],
      ["the repeats", head.repeats, baseline.head.repeats],
      ["the kind of engine", head.engine, baseline.head.engine],
    ] as const)
      if (ours !== theirs)
        throw new ReportError(`the runs differ in ${what}: ${ours} and ${theirs}; run the baseline again`);
  const decision = decide({
    candidate: resultsOf(candidate, cases, judge?.candidate),
    baseline: baseline === null ? null : resultsOf(baseline, cases, judge?.baseline),
    judge: judge?.standing ?? { kind: "none" },
    minSamples,
  });
  const finishedAt =
    lines
      .map(({ at }) => at)
      .sort()
      .at(-1) ?? head.startedAt;
  return {
    schema: "llmops.evaluation/v1",
    run: head.run,
    stack: head.stack,
    environment: head.environment,
    model: head.model,
    evaluated: head.evaluated,
    engine: head.engine,
    finishedAt,
    completeness: completenessOf(candidate, stopped),
    ...decision,
    comparison:
      decision.comparison === null || baseline === null
        ? null
        : {
            baseline: baseline.head.evaluated,
            baselineRun: baseline.head.run,
            ...decision.comparison,
          },
    judge: judge?.record ?? null,
  };
}
