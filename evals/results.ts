import type { EvalCase } from "./case.ts";
import type { CaseResult } from "./gate.ts";
import { grade } from "./grade.ts";
import type { RunLine, StoredRun } from "./run/journal.ts";

/** Verdicts of a judge by `<suite>/<id>`: share of the repeats it called good. */
export type JudgeVerdicts = ReadonlyMap<string, number>;

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Scores a run: the mean over the repeats of each case; a case without all its repeats has no score. */
export function resultsOf(
  { head, lines }: StoredRun,
  cases: readonly EvalCase[],
  judged: JudgeVerdicts = new Map(),
): CaseResult[] {
  const byCase = Map.groupBy(lines, ({ suite, id }) => `${suite}/${id}`);
  return cases.map((each) => {
    const key = `${each.suite}/${each.id}`;
    const own = byCase.get(key) ?? [];
    const isJudged = each.grader.kind === "judge";
    const scores = isJudged ? [judged.get(key) ?? null] : own.map(({ answers }) => grade(each, answers));
    const known = scores.filter((score) => score !== null);
    const isWhole = own.length === head.repeats && known.length === scores.length;
    const answered = own.filter(({ answers }) => answers.every(({ kind }) => kind === "answered"));
    return {
      suite: each.suite,
      id: each.id,
      score: isWhole ? mean(known) : null,
      grader: isJudged ? "judge" : "deterministic",
      latencyMs: mean(answered.map(({ ms }) => ms)),
      tokens: mean(answered.map((line: RunLine) => line.inputTokens + line.outputTokens)),
    };
  });
}
