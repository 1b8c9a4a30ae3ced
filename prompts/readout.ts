/** Scores of independent units of one variant, as sums; a unit is who sticks to a variant, never a single call. */
export interface VariantSample {
  readonly version: string;
  readonly units: number;
  /** Sum of the units' scores, each in [0, 1]. */
  readonly sum: number;
  /** Sum of their squares. */
  readonly sumOfSquares: number;
}

/** How a comparison is read. */
export interface ReadoutRules {
  /** Chance of ever calling equal prompts different, however often somebody looks. */
  readonly alpha: number;
  /** Units each variant needs before anything is concluded. */
  readonly minUnits: number;
  /** Difference the test is tuned for; any other is found too, later. */
  readonly expectedEffect: number;
}

/** One variant against the first. */
export interface Readout {
  readonly version: string;
  readonly units: number;
  readonly mean: number;
  /** Mean of this variant minus mean of the control. */
  readonly difference: number;
  /** Interval that holds at every moment at once. */
  readonly lower: number;
  readonly upper: number;
  /** Smallest level at which the difference would count, valid however often somebody looks. */
  readonly pValue: number;
  readonly verdict: "better" | "worse" | "undecided" | "too-few-units";
}

/** Rules where nobody says otherwise. */
export const READOUT_RULES: ReadoutRules = { alpha: 0.05, minUnits: 200, expectedEffect: 0.05 };

/** Variance of a mean, with one unit at each end of the scale added so that a variant without failures is not taken for certain. */
function varianceOfMean({ units, sum, sumOfSquares }: VariantSample): number {
  const n = units + 2;
  const mean = (sum + 1) / n;
  return ((sumOfSquares + 1) / n - mean ** 2) / (n - 1);
}

/**
 * Compares variants with the first by a mixture sequential probability ratio test with a normal mixture: valid at every look, so
 * nobody needs to wait for a planned end and nobody is fooled by looking often. Several variants share `alpha` (Bonferroni).
 * @see https://arxiv.org/abs/1512.04922 Johari, Pekelis, Walsh: Always Valid Inference
 * @throws RangeError when there is nothing to compare
 */
export function readout(samples: readonly VariantSample[], rules: ReadoutRules = READOUT_RULES): Readout[] {
  const [control, ...treatments] = samples;
  if (control === undefined || treatments.length === 0)
    throw new RangeError(`a comparison needs two variants; there are ${samples.length}`);
  const alpha = rules.alpha / treatments.length;
  const mixture = rules.expectedEffect ** 2;
  return treatments.map((treatment) => {
    const { version, units } = treatment;
    const mean = units === 0 ? 0 : treatment.sum / units;
    const difference = mean - (control.units === 0 ? 0 : control.sum / control.units);
    const variance = varianceOfMean(control) + varianceOfMean(treatment);
    const ratio =
      Math.sqrt(variance / (variance + mixture)) *
      Math.exp((mixture * difference ** 2) / (2 * variance * (variance + mixture)));
    const width = Math.sqrt(
      ((variance * (variance + mixture)) / mixture) *
        (2 * Math.log(1 / alpha) + Math.log((variance + mixture) / variance)),
    );
    const isReady = Math.min(units, control.units) >= rules.minUnits;
    const [lower, upper] = [difference - width, difference + width];
    return {
      version,
      units,
      mean,
      difference,
      lower: Math.max(-1, lower),
      upper: Math.min(1, upper),
      pValue: Math.min(1, treatments.length / ratio),
      verdict: !isReady ? "too-few-units" : lower > 0 ? "better" : upper < 0 ? "worse" : "undecided",
    };
  });
}

/** Chance of a split as uneven as this one under the configured weights; below 0.001 the comparison itself is broken. */
export function splitChance(
  samples: readonly Pick<VariantSample, "units">[],
  weights: readonly number[],
): number {
  const total = samples.reduce((sum, { units }) => sum + units, 0);
  const weight = weights.reduce((sum, each) => sum + each, 0);
  if (total === 0 || weight === 0) return 1;
  const worst = samples.map(({ units }, index) => {
    const share = (weights[index] ?? 0) / weight;
    const deviation = Math.abs(units - total * share) / Math.sqrt(total * share * (1 - share));
    return Math.min(1, normalTail(deviation) * 2);
  });
  return Math.min(1, Math.min(...worst) * samples.length);
}

/** Upper tail of the normal distribution. @see https://dlmf.nist.gov/7.7 (continued fraction of erfc, series near zero) */
function normalTail(z: number): number {
  if (z < 2.5) {
    let [term, sum] = [z, z];
    for (let k = 1; k < 60; k += 1) {
      term *= (-z * z) / (2 * k);
      sum += term / (2 * k + 1);
    }
    return 0.5 - sum / Math.sqrt(2 * Math.PI);
  }
  let fraction = z;
  for (let k = 60; k >= 1; k -= 1) fraction = z + k / fraction;
  return Math.exp(-(z * z) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
}
