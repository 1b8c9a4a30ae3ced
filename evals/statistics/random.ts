/** Numbers in [0, 1), the same for the same seed (mulberry32): a decision can be computed again. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One resample with replacement. */
export function resample<T>(items: readonly T[], random: () => number): T[] {
  return items.map((item) => items[Math.floor(random() * items.length)] ?? item);
}

/** Resamples of a bootstrap. */
export const RESAMPLES = 1_000;

/** Percentile interval of a statistic over resamples of the items, 95 % two-sided. */
export function bootstrap<T>(
  items: readonly T[],
  statistic: (sample: readonly T[]) => number,
  seed = 1,
): { readonly lower: number; readonly upper: number } {
  const random = seeded(seed);
  const values = Array.from({ length: RESAMPLES }, () => statistic(resample(items, random)))
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  const at = (share: number): number => values[Math.floor(share * (values.length - 1))] ?? Number.NaN;
  return { lower: at(0.025), upper: at(0.975) };
}
