import type { Evaluated, EvaluationReport } from "./report.ts";

/** What an environment asks of a report; the section `evaluation` of its stack file. */
export interface AdmissionRules {
  readonly environment: EvaluationReport["environment"];
  /** Fewest cases. */
  readonly minSamples: number;
  /** Oldest report that still admits, days. */
  readonly maxAgeDays: number;
}

/** Whether traffic may reach what was evaluated. */
export type Admission =
  | { readonly kind: "admitted"; readonly ageDays: number }
  | { readonly kind: "refused"; readonly reasons: readonly string[] };

const DAY_MS = 86_400_000;

/** Clocks of two machines may differ so much, ms. */
const CLOCK_SKEW_MS = 300_000;

/** What a report must be about; what is left out may be anything. */
export type Wanted = Pick<Evaluated, "model"> & Partial<Evaluated>;

/**
 * Whether a report, whose signature has been checked, admits exactly this model, prompt, guardrails and data sets to traffic.
 * Everything that is not known to be right is a reason to refuse.
 */
export function admission(
  report: EvaluationReport,
  wanted: Wanted,
  { environment, minSamples, maxAgeDays }: AdmissionRules,
  now: Date,
): Admission {
  const age = now.getTime() - Date.parse(report.finishedAt);
  const ageDays = age / DAY_MS;
  const names = {
    model: "model",
    prompt: "prompt",
    guardrails: "guardrails",
    dataSets: "data sets",
  } as const;
  const reasons = [
    ...(["model", "prompt", "guardrails", "dataSets"] as const).flatMap((key) => {
      const [evaluated, asked] = [report.evaluated[key], wanted[key]];
      return asked === undefined || evaluated === asked
        ? []
        : [`the report is about ${names[key]} ${evaluated}, not ${asked}`];
    }),
    ...(report.completeness.kind === "complete"
      ? []
      : [
          `it is incomplete: ${report.completeness.answers} of ${report.completeness.questions} answers (${report.completeness.reason})`,
        ]),
    ...(report.decision === "passed"
      ? []
      : [`its decision is "${report.decision}": ${report.reasons.join("; ") || "it gives no reason"}`]),
    ...(report.samples >= minSamples
      ? []
      : [`${report.samples} cases were scored; evaluation.minSamples asks for ${minSamples}`]),
    ...(ageDays <= maxAgeDays
      ? []
      : [
          `the report is ${ageDays.toFixed(1)} days old; evaluation.maxAgeDays allows ${maxAgeDays}: evaluate again`,
        ]),
    ...(age >= -CLOCK_SKEW_MS ? [] : [`the report is from the future (${report.finishedAt})`]),
    ...(report.engine === "stand-in" && environment !== "local"
      ? ["a stand-in answered, which proves nothing about a model"]
      : []),
  ];
  return reasons.length === 0 ? { kind: "admitted", ageDays } : { kind: "refused", reasons };
}
