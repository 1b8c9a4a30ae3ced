import type { EvaluationReport } from "./report.ts";
import {
  failureBound,
  holm,
  lossChance,
  neededSamples,
  pairedDifference,
  type Pair,
} from "./statistics/paired.ts";
import { bootstrap } from "./statistics/random.ts";
import { COST_ALLOWANCE, LATENCY_ALLOWANCE, MARGIN, SUITES } from "./suites.ts";

/** What became of one case. */
export interface CaseResult {
  readonly suite: string;
  readonly id: string;
  /** Mean over the repeats, in [0, 1]; null when it could not be asked or judged. */
  readonly score: number | null;
  readonly grader: "deterministic" | "judge";
  /** Mean duration, ms; null for calls that a guard refused. */
  readonly latencyMs: number | null;
  /** Mean billed tokens; null for calls that a guard refused. */
  readonly tokens: number | null;
}

/** What a judge may do with its scores. */
export type JudgeStanding =
  | { readonly kind: "none" }
  | { readonly kind: "advisory"; readonly faults: readonly string[] }
  /** Observed differences are smaller than true ones by this factor: sensitivity + specificity - 1. */
  | { readonly kind: "gates"; readonly youden: number };

/** Findings of the gate; the fields of the report with the same names. */
export type GateDecision = Pick<EvaluationReport, "samples" | "suites" | "decision" | "reasons"> & {
  readonly comparison: Omit<NonNullable<EvaluationReport["comparison"]>, "baseline" | "baselineRun"> | null;
};

/** Two runs and how they are judged. */
export interface GateInput {
  readonly candidate: readonly CaseResult[];
  /** Null for the first run of a model. */
  readonly baseline: readonly CaseResult[] | null;
  readonly judge: JudgeStanding;
  /** Fewest cases with a verdict. */
  readonly minSamples: number;
  /** @default 0.05 */
  readonly margin?: number;
}

/** Chance that any suite of an equal candidate is called worse. */
const SUITE_ALPHA = 0.01;

type Scored = CaseResult & { readonly score: number };
type SuiteFinding = EvaluationReport["suites"][number];

const keyOf = ({ suite, id }: CaseResult): string => `${suite}/${id}`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const points = (share: number): string => `${(share * 100).toFixed(1)} points`;

function ratio(
  pairs: readonly (readonly [number | null, number | null])[],
): { readonly mean: number; readonly lower: number } | null {
  const logs = pairs.flatMap(([candidate, baseline]) =>
    candidate === null || baseline === null || candidate <= 0 || baseline <= 0
      ? []
      : [Math.log(candidate / baseline)],
  );
  if (logs.length < 20) return null;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean: Math.exp(mean(logs)), lower: Math.exp(bootstrap(logs, mean).lower) };
}

/** A property that is measured and not judged: it stops a candidate that is certainly worse than allowed. */
function measured(
  name: string,
  allowance: number,
  pairs: readonly (readonly [number | null, number | null])[],
): SuiteFinding {
  const samples = pairs.length;
  const found = ratio(pairs);
  if (found === null)
    return {
      name,
      samples,
      score: 0,
      grader: "measured",
      decision: "advisory",
      reason: "fewer than 20 pairs",
    };
  const isWorse = found.lower > allowance;
  return {
    name,
    samples,
    score: 0,
    grader: "measured",
    decision: isWorse ? "failed" : "passed",
    reason: `${found.mean.toFixed(2)} times the baseline, at least ${found.lower.toFixed(2)}; ${allowance} are allowed`,
  };
}

function suiteFinding(
  name: string,
  scored: readonly Scored[],
  worse: ReadonlySet<string> | null,
  judge: JudgeStanding,
): SuiteFinding {
  const definition = SUITES.find((suite) => suite.name === name);
  const samples = scored.length;
  const score = scored.reduce((sum, each) => sum + each.score, 0);
  const failures = scored.filter((each) => each.score < 1).length;
  const isJudged = scored.some(({ grader }) => grader === "judge");
  const common = { name, samples, score, grader: isJudged ? "judge" : "deterministic" } as const;
  if (definition === undefined)
    return { ...common, decision: "failed", reason: `there is no suite '${name}'` };
  if (isJudged && judge.kind !== "gates")
    return {
      ...common,
      decision: "advisory",
      reason: `the judge may not gate: ${judge.kind === "advisory" ? judge.faults.join("; ") : "it was never calibrated"}`,
    };
  if (definition.role === "limit")
    return {
      ...common,
      decision: failures > definition.maxFailures ? "failed" : "passed",
      reason: `${failures} of ${samples} failed; the rate is below ${percent(failureBound(failures, samples))} with 95 % confidence`,
    };
  const rate = percent(score / samples);
  if (worse === null)
    return {
      ...common,
      decision: "advisory",
      reason: `${rate} of the score; there is no baseline to compare with`,
    };
  return worse.has(name)
    ? {
        ...common,
        decision: "failed",
        reason: "more cases were lost than won than chance explains (McNemar, Holm)",
      }
    : { ...common, decision: "passed", reason: `${rate} of the score` };
}

/**
 * Judges a candidate. It passes when no limit is broken, when the pooled quality is with 99 % confidence not worse than the
 * baseline's by the margin, and when no single suite is certainly worse. Cases that could not be asked, and too few cases, leave
 * it inconclusive, which does not pass.
 */
export function decide({ candidate, baseline, judge, minSamples, margin = MARGIN }: GateInput): GateDecision {
  const scored = candidate.flatMap((each): Scored[] =>
    each.score === null ? [] : [{ ...each, score: each.score }],
  );
  const unasked = candidate.length - scored.length;
  const before = new Map((baseline ?? []).map((each) => [keyOf(each), each]));
  const roles = new Map(SUITES.map(({ name, role }) => [name, role]));
  const pairs = scored.flatMap((each): (Pair & { suite: string })[] => {
    const old = before.get(keyOf(each))?.score ?? null;
    if (old === null || roles.get(each.suite) !== "quality") return [];
    if (each.grader === "judge" && judge.kind !== "gates") return [];
    const scale = each.grader === "judge" && judge.kind === "gates" ? 1 / judge.youden : 1;
    return [{ suite: each.suite, candidate: (each.score - old) * scale, baseline: 0 }];
  });
  const bySuite = Map.groupBy(pairs, ({ suite }) => suite);
  const worse = holm(new Map([...bySuite].map(([name, of]) => [name, lossChance(of)])), SUITE_ALPHA);
  const both = (pick: (of: CaseResult) => number | null): (readonly [number | null, number | null])[] =>
    candidate.flatMap((each) => {
      const old = before.get(keyOf(each));
      return old === undefined ? [] : [[pick(each), pick(old)] as const];
    });
  const suites = [
    ...[...Map.groupBy(scored, ({ suite }) => suite)].map(([name, of]) =>
      suiteFinding(name, of, baseline === null ? null : worse, judge),
    ),
    ...(baseline === null
      ? []
      : [
          measured(
            "latency",
            LATENCY_ALLOWANCE,
            both(({ latencyMs }) => latencyMs),
          ),
          measured(
            "cost",
            COST_ALLOWANCE,
            both(({ tokens }) => tokens),
          ),
        ]),
  ];
  const comparison = baseline === null ? null : compared(pairs, margin);
  const present = new Set(candidate.map(keyOf));
  const missing = [...before.keys()].filter((key) => !present.has(key)).length;
  const failed = suites
    .filter(({ decision }) => decision === "failed")
    .map(({ name, reason }) => `${name}: ${reason}`);
  const open = [
    ...(unasked === 0
      ? []
      : [`${unasked} cases could not be asked or judged; that says nothing about quality: run them again`]),
    ...(missing === 0 ? [] : [`${missing} cases of the baseline are missing`]),
    ...(scored.length >= minSamples
      ? []
      : [`${scored.length} cases were scored; ${minSamples} are asked for`]),
  ];
  if (comparison !== null && comparison.decision !== "passed") {
    const { lower, upper, samples, neededSamples: needed } = comparison;
    const interval = `the quality changed by ${points(lower)} to ${points(upper)} on ${samples} cases; a loss of ${points(margin)} must be ruled out`;
    if (comparison.decision === "failed") failed.push(interval);
    else open.push(`${interval}: about ${needed} cases are needed`);
  }
  return {
    samples: scored.length,
    suites:
      suites.length === 0
        ? [
            {
              name: "none",
              samples: 0,
              score: 0,
              grader: "deterministic",
              decision: "failed",
              reason: "no case was scored",
            },
          ]
        : suites,
    comparison,
    decision: failed.length > 0 ? "failed" : open.length > 0 ? "inconclusive" : "passed",
    reasons: [...failed, ...open],
  };
}

function compared(pairs: readonly Pair[], margin: number): NonNullable<GateDecision["comparison"]> {
  const { samples, difference, lower, upper, discordance } = pairedDifference(pairs);
  return {
    samples,
    difference: Math.max(-1, Math.min(1, difference)),
    lower,
    upper,
    margin,
    neededSamples: neededSamples(discordance, margin),
    decision: lower > -margin ? "passed" : upper < 0 ? "failed" : "inconclusive",
  };
}
