import { z } from "zod";
import type { JudgeStanding } from "../gate.ts";
import type { HumanLabel } from "../labels/labels.ts";
import type { EvaluationReport } from "../report.ts";
import { keyOf } from "../run/journal.ts";
import { agreement, correctedInterval, judgeFaults, type Labelled } from "../statistics/agreement.ts";
import { bootstrap } from "../statistics/random.ts";
import { krippendorffAlpha, REVIEWER_LIMIT } from "../statistics/reviewers.ts";
import { JudgeError, type Verdict } from "./judge.ts";
import type { VerdictLine } from "./verdicts.ts";

const share = z.number().min(0).max(1);

const calibrationSchema = z.strictObject({
  schema: z.literal("llmops.judge-calibration/v1"),
  /** Judge it is about. */
  version: z.string().min(1),
  measuredAt: z.iso.datetime(),
  labels: z.int().min(1),
  kappa: z.number(),
  kappaLower: z.number(),
  kappaUpper: z.number(),
  sensitivity: share,
  specificity: share,
  specificityLower: share,
  /** Answers it could not decide; each counts as wrong. */
  undecided: z.int().min(0),
  /** Correlation of its mistakes with the length of the answer; above zero it prefers long ones. */
  lengthPreference: z.number().min(-1).max(1),
  lengthPreferenceLower: z.number().min(-1).max(1),
  /** Agreement of the people among themselves (Krippendorff's alpha); null with one reviewer. */
  reviewers: z.number().max(1).nullable(),
  /** Share of bad answers among all that were judged, corrected for the judge's errors, with its 95 % interval. */
  badAnswers: z.strictObject({ observed: share, rate: share.nullable(), lower: share, upper: share }),
});

/** How well a judge follows people, measured once. */
export type Calibration = z.output<typeof calibrationSchema>;

/** Days a calibration counts; judges, rubrics and questions change. */
export const CALIBRATION_DAYS = 90;

const DAY_MS = 86_400_000;

/**
 * Reads a calibration.
 * @throws JudgeError naming the key
 */
export function readCalibration(value: unknown): Calibration {
  const parsed = calibrationSchema.safeParse(value);
  if (!parsed.success)
    throw new JudgeError(`this is no calibration of a judge: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** What most reviewers said; undefined where they are even or unsure. */
export function majority(label: HumanLabel): Verdict | undefined {
  const of = (verdict: Verdict): number => label.reviews.filter((each) => each.verdict === verdict).length;
  const [good, bad] = [of("good"), of("bad")];
  return good === bad ? undefined : good > bad ? "good" : "bad";
}

/** A label with what the judge said; a judge that could not decide is counted against it. */
interface Pairing extends Labelled {
  readonly characters: number;
}

function pairings(labels: readonly HumanLabel[], verdicts: readonly VerdictLine[]): Pairing[] {
  const byKey = new Map(verdicts.map((each) => [keyOf(each), each]));
  return labels.flatMap((label): Pairing[] => {
    const human = majority(label);
    const judged = byKey.get(keyOf(label));
    if (human === undefined || judged?.answer !== label.answer) return [];
    const wrong = human === "good" ? "bad" : "good";
    return [
      {
        human,
        judge: judged.verdict === "undecided" ? wrong : judged.verdict,
        characters: judged.characters,
      },
    ];
  });
}

/** Ranks of values, ties in the middle. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (of: readonly number[]): number => of.reduce((sum, each) => sum + each, 0) / of.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = a.reduce((sum, each, at) => sum + (each - meanA) * ((b[at] ?? meanB) - meanB), 0);
  const square = (of: readonly number[], by: number): number =>
    of.reduce((sum, each) => sum + (each - by) ** 2, 0);
  const scale = Math.sqrt(square(a, meanA) * square(b, meanB));
  return scale === 0 ? 0 : Math.max(-1, Math.min(1, product / scale));
}

/** Rank correlation of the judge's mistakes (1 too kind, -1 too strict) with length. */
export function lengthPreference(
  pairs: readonly { human: Verdict; judge: Verdict; characters: number }[],
): number {
  const mistakes = pairs.map(({ human, judge }) => (human === judge ? 0 : judge === "good" ? 1 : -1));
  return correlation(ranks(pairs.map(({ characters }) => characters)), ranks(mistakes));
}

/**
 * Compares a judge's verdicts with people's labels of the same answers.
 * @throws JudgeError when no label fits a verdict, or they are all the same
 */
export function calibrate(
  labels: readonly HumanLabel[],
  verdicts: readonly VerdictLine[],
  now: Date,
): Calibration {
  const [version, another] = new Set(verdicts.map((each) => each.version));
  if (version === undefined) throw new JudgeError("there are no verdicts: run `llmops eval judge` first");
  if (another !== undefined)
    throw new JudgeError(`the verdicts are of two judges: ${version} and ${another}`);
  const pairs = pairings(labels, verdicts);
  if (new Set(pairs.map(({ human }) => human)).size < 2)
    throw new JudgeError(
      `${pairs.length} labels fit a verdict and have a majority; good and bad answers are needed to know both error rates`,
    );
  const found = agreement(pairs);
  const decided = verdicts.flatMap(({ verdict }) => (verdict === "undecided" ? [] : [verdict]));
  const corrected = correctedInterval(decided, pairs);
  const observed =
    decided.length === 0 ? 0 : decided.filter((each) => each === "bad").length / decided.length;
  const keys = new Set(labels.map(keyOf));
  return {
    schema: "llmops.judge-calibration/v1",
    version,
    measuredAt: now.toISOString(),
    ...found,
    undecided: verdicts.filter((each) => each.verdict === "undecided" && keys.has(keyOf(each))).length,
    lengthPreference: lengthPreference(pairs),
    lengthPreferenceLower: bootstrap(pairs, lengthPreference).lower,
    reviewers: krippendorffAlpha(labels),
    badAnswers: {
      observed,
      rate: Number.isNaN(corrected.rate) ? null : corrected.rate,
      lower: corrected.lower,
      upper: corrected.upper,
    },
  };
}

/** Why a calibrated judge may not gate; empty when it may. */
export function calibrationFaults(calibration: Calibration, version: string, now: Date): string[] {
  const age = (now.getTime() - Date.parse(calibration.measuredAt)) / DAY_MS;
  const { reviewers, lengthPreferenceLower } = calibration;
  return [
    ...(calibration.version === version
      ? []
      : [`it was calibrated as ${calibration.version}, and judged as ${version}`]),
    ...judgeFaults(calibration),
    ...(lengthPreferenceLower > 0 ? ["it prefers long answers"] : []),
    ...(age > CALIBRATION_DAYS
      ? [`its calibration is ${age.toFixed(0)} days old; ${CALIBRATION_DAYS} are the most`]
      : []),
    ...(age < -1 ? ["its calibration is from the future"] : []),
    ...(reviewers === null
      ? ["one person labelled alone, so nobody knows whether people agree"]
      : reviewers < REVIEWER_LIMIT
        ? [`people agree with an alpha of ${reviewers.toFixed(2)} only; ${REVIEWER_LIMIT} is needed`]
        : []),
  ];
}

/** What a judge may do with its verdicts, and what the report says about it. Without a calibration it may do nothing. */
export function standingOf(
  calibration: Calibration | undefined,
  version: string,
  now: Date,
): { readonly standing: JudgeStanding; readonly record: EvaluationReport["judge"] } {
  if (calibration === undefined)
    return { standing: { kind: "advisory", faults: ["it was never calibrated"] }, record: null };
  const faults = calibrationFaults(calibration, version, now);
  const { labels, kappa, kappaLower, sensitivity, specificity } = calibration;
  return {
    standing:
      faults.length === 0
        ? { kind: "gates", youden: sensitivity + specificity - 1 }
        : { kind: "advisory", faults },
    record: {
      version,
      labels,
      kappa,
      kappaLower,
      sensitivity,
      specificity,
      mayGate: faults.length === 0 ? "yes" : "no",
    },
  };
}
