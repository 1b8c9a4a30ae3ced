/** Normal quantile of the one-sided level at which a loss of the margin passes: 1 %. */
const Z_REGRESSION = 2.326348;

/** Normal quantile of the chance that an equal candidate is not let through at the needed size: 1 %. */
const Z_EQUAL = 2.326348;

/** Scores of one case, each in [0, 1]. */
export interface Pair {
  readonly candidate: number;
  readonly baseline: number;
}

/** Difference of two runs on the same cases. */
export interface PairedDifference {
  readonly samples: number;
  /** Candidate minus baseline. */
  readonly difference: number;
  /** 98 % interval. */
  readonly lower: number;
  readonly upper: number;
  /** Mean square of the difference per case; for right-or-wrong scores the share of cases that disagree. */
  readonly discordance: number;
}

/**
 * Mean difference with the adjusted interval of Bonett and Price (2012), which adds one case in favour of each side: it keeps its
 * level with few cases and is not certain where no case disagrees.
 * @see https://doi.org/10.3102/1076998611411915
 */
export function pairedDifference(pairs: readonly Pair[]): PairedDifference {
  const differences = pairs.map(({ candidate, baseline }) => candidate - baseline);
  const sum = differences.reduce((total, each) => total + each, 0);
  const squares = differences.reduce((total, each) => total + each ** 2, 0);
  const n = pairs.length + 2;
  const centre = sum / n;
  const width = Z_REGRESSION * Math.sqrt(((squares + 2) / n - centre ** 2) / n);
  return {
    samples: pairs.length,
    difference: pairs.length === 0 ? 0 : sum / pairs.length,
    lower: Math.max(-1, centre - width),
    upper: Math.min(1, centre + width),
    discordance: (squares + 2) / n,
  };
}

/**
 * Cases after which an equal candidate passes with 99 % and one that lost `margin` is stopped with 99 %.
 * @param discordance share of cases on which two equal candidates disagree
 */
export function neededSamples(discordance: number, margin: number): number {
  return Math.max(1, Math.ceil(((Z_REGRESSION + Z_EQUAL) ** 2 * discordance) / margin ** 2));
}

/** Natural logarithms of 0!, 1!, 2! ... as far as asked. */
function logFactorials(most: number): number[] {
  const logs = [0];
  for (let n = 1; n <= most; n += 1) logs.push((logs[n - 1] ?? 0) + Math.log(n));
  return logs;
}

/** Chance of at least `least` successes in `trials` at `rate`. */
export function binomialTail(least: number, trials: number, rate: number): number {
  if (least <= 0) return 1;
  if (rate <= 0) return 0;
  if (rate >= 1) return 1;
  const logs = logFactorials(trials);
  const log = (n: number): number => logs[n] ?? 0;
  let tail = 0;
  for (let k = least; k <= trials; k += 1)
    tail += Math.exp(
      log(trials) - log(k) - log(trials - k) + k * Math.log(rate) + (trials - k) * Math.log(1 - rate),
    );
  return Math.min(1, tail);
}

/** Chance of as many losses against wins if both sides were equal (exact McNemar test, one-sided). */
export function lossChance(pairs: readonly Pair[]): number {
  const losses = pairs.filter(({ candidate, baseline }) => candidate < baseline).length;
  const wins = pairs.filter(({ candidate, baseline }) => candidate > baseline).length;
  return binomialTail(losses, losses + wins, 0.5);
}

/** Which of several chances stay below `alpha` together (Holm). */
export function holm(chances: ReadonlyMap<string, number>, alpha: number): Set<string> {
  const found = new Set<string>();
  const sorted = [...chances].sort(([, a], [, b]) => a - b);
  for (const [index, [name, chance]] of sorted.entries()) {
    if (chance > alpha / (sorted.length - index)) break;
    found.add(name);
  }
  return found;
}

/** Largest failure rate that this few failures do not contradict (Clopper-Pearson, one-sided 95 %). */
export function failureBound(failures: number, samples: number): number {
  if (failures >= samples) return 1;
  let [low, high] = [failures / samples, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (1 - binomialTail(failures + 1, samples, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}
