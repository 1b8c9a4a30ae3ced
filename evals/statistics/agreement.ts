import { bootstrap, RESAMPLES, resample, seeded } from "./random.ts";

/** One answer that a person and the judge both called good or bad. */
export interface Labelled {
  readonly human: "good" | "bad";
  readonly judge: "good" | "bad";
}

/** How well a judge follows people. */
export interface Agreement {
  readonly labels: number;
  /** Cohen's kappa with its 95 % interval. */
  readonly kappa: number;
  readonly kappaLower: number;
  readonly kappaUpper: number;
  /** Share of the bad answers it calls bad. */
  readonly sensitivity: number;
  /** Share of the good answers it calls good, and the lower end of its interval. */
  readonly specificity: number;
  readonly specificityLower: number;
}

function share<T>(items: readonly T[], isCounted: (item: T) => boolean): number {
  return items.length === 0 ? Number.NaN : items.filter(isCounted).length / items.length;
}

/** Agreement beyond chance; 0 where one side never varies, because then nothing was shown. */
export function cohenKappa(labels: readonly Labelled[]): number {
  const observed = share(labels, ({ human, judge }) => human === judge);
  const [human, judge] = [
    share(labels, (label) => label.human === "bad"),
    share(labels, (label) => label.judge === "bad"),
  ];
  const expected = human * judge + (1 - human) * (1 - judge);
  return expected === 1 ? 0 : (observed - expected) / (1 - expected);
}

function sensitivity(labels: readonly Labelled[]): number {
  return share(
    labels.filter(({ human }) => human === "bad"),
    ({ judge }) => judge === "bad",
  );
}

function specificity(labels: readonly Labelled[]): number {
  return share(
    labels.filter(({ human }) => human === "good"),
    ({ judge }) => judge === "good",
  );
}

/**
 * Compares a judge with people.
 * @throws RangeError when the labels hold no good or no bad answer: then one error rate cannot be known
 */
export function agreement(labels: readonly Labelled[]): Agreement {
  const kinds = new Set(labels.map(({ human }) => human));
  if (kinds.size < 2)
    throw new RangeError(`${labels.length} labels are all the same; calibration needs good and bad answers`);
  const kappa = bootstrap(labels, cohenKappa);
  return {
    labels: labels.length,
    kappa: cohenKappa(labels),
    kappaLower: kappa.lower,
    kappaUpper: kappa.upper,
    sensitivity: sensitivity(labels),
    specificity: specificity(labels),
    specificityLower: bootstrap(labels, specificity).lower,
  };
}

/** What a judge needs so that its scores may stop or admit a candidate. */
export const JUDGE_LIMITS = { labels: 200, kappaLower: 0.6, specificityLower: 0.98 } as const;

/** Why a judge may not gate; empty when it may. */
export function judgeFaults({ labels, kappaLower, specificityLower }: Agreement): string[] {
  const below = (what: string, value: number, limit: number): string[] =>
    value >= limit ? [] : [`${what} ${value.toFixed(2)} is below ${limit}`];
  return [
    ...(labels >= JUDGE_LIMITS.labels ? [] : [`${labels} labels; ${JUDGE_LIMITS.labels} are needed`]),
    ...below("the lower end of kappa", kappaLower, JUDGE_LIMITS.kappaLower),
    ...below("the lower end of specificity", specificityLower, JUDGE_LIMITS.specificityLower),
  ];
}

/**
 * True failure rate behind the rate a judge reports, whose errors were measured (Rogan and Gladen 1978); NaN for a judge that is no
 * better than chance.
 * @see https://doi.org/10.1093/oxfordjournals.aje.a112510
 */
export function correctedRate(
  observed: number,
  errors: Pick<Agreement, "sensitivity" | "specificity">,
): number {
  const youden = errors.sensitivity + errors.specificity - 1;
  return youden <= 0 ? Number.NaN : Math.min(1, Math.max(0, (observed + errors.specificity - 1) / youden));
}

/** The corrected rate with a 95 % interval that carries the uncertainty of both the sample and the calibration. */
export function correctedInterval(
  verdicts: readonly ("good" | "bad")[],
  labels: readonly Labelled[],
): { readonly rate: number; readonly lower: number; readonly upper: number } {
  const rateOf = (sample: readonly ("good" | "bad")[], from: readonly Labelled[]): number =>
    correctedRate(
      share(sample, (verdict) => verdict === "bad"),
      { sensitivity: sensitivity(from), specificity: specificity(from) },
    );
  const random = seeded(1);
  const rates = Array.from({ length: RESAMPLES }, () =>
    rateOf(resample(verdicts, random), resample(labels, random)),
  )
    .map((rate) => (Number.isNaN(rate) ? 1 : rate))
    .sort((a, b) => a - b);
  return {
    rate: rateOf(verdicts, labels),
    lower: rates[Math.floor(0.025 * (RESAMPLES - 1))] ?? Number.NaN,
    upper: rates[Math.floor(0.975 * (RESAMPLES - 1))] ?? Number.NaN,
  };
}
