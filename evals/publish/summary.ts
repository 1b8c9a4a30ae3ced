import type { EvaluationReport } from "../report.ts";

/** What leaves the platform about one suite: figures, never a prompt or an answer. */
export interface SuiteSummary {
  readonly name: string;
  readonly samples: number;
  /** Mean score of its cases; null where none was scored. */
  readonly score: number | null;
  readonly grader: string;
  readonly decision: string;
}

/** What leaves the platform about one evaluation. */
export interface ReportSummary {
  readonly run: string;
  readonly model: string;
  readonly finishedAt: string;
  /** Labels that say what was evaluated and how it ended. */
  readonly labels: Readonly<Record<string, string>>;
  readonly suites: readonly SuiteSummary[];
}

/** Figures and hashes of a report. */
export function summaryOf(report: EvaluationReport): ReportSummary {
  const { evaluated } = report;
  return {
    run: report.run,
    model: report.model,
    finishedAt: report.finishedAt,
    labels: {
      stack: report.stack,
      environment: report.environment,
      engine: report.engine,
      decision: report.decision,
      completeness: report.completeness.kind,
      "evaluated.model": evaluated.model,
      "evaluated.prompt": evaluated.prompt,
      "evaluated.guardrails": evaluated.guardrails,
      "evaluated.data_sets": evaluated.dataSets,
    },
    suites: report.suites.map(({ name, samples, score, grader, decision }) => ({
      name,
      samples,
      score: samples === 0 ? null : score / samples,
      grader,
      decision,
    })),
  };
}
