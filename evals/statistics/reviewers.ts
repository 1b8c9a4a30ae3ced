/** What reviewers said about one thing. */
export interface Reviewed {
  readonly reviews: readonly { readonly reviewer: string; readonly verdict: string }[];
}

/** Agreement of people from which their labels are taken as a measure; below it the task is unclear, not the judge. */
export const REVIEWER_LIMIT = 0.667;

/**
 * Krippendorff's alpha for names without an order: 1 is agreement, 0 what chance gives. It takes any number of reviews of each
 * thing; things with one review say nothing. Null where nothing was reviewed twice, or everybody always said the same.
 * @see https://doi.org/10.4135/9781071878781
 */
export function krippendorffAlpha(items: readonly Reviewed[]): number | null {
  const totals = new Map<string, number>();
  let [pairable, disagreement] = [0, 0];
  for (const { reviews } of items) {
    const n = reviews.length;
    if (n < 2) continue;
    pairable += n;
    const counts = new Map<string, number>();
    for (const { verdict } of reviews) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    for (const [verdict, count] of counts) {
      totals.set(verdict, (totals.get(verdict) ?? 0) + count);
      disagreement += (count * (n - count)) / (n - 1);
    }
  }
  const expected = [...totals.values()].reduce((sum, count) => sum + count * (pairable - count), 0);
  return expected === 0 ? null : 1 - ((pairable - 1) * disagreement) / expected;
}

/**
 * Fleiss' kappa: agreement beyond chance where each thing has the same number of reviews; null where they have not, or everybody
 * always said the same.
 * @see https://doi.org/10.1037/h0031619
 */
export function fleissKappa(items: readonly Reviewed[]): number | null {
  const n = items[0]?.reviews.length ?? 0;
  if (n < 2 || items.some(({ reviews }) => reviews.length !== n)) return null;
  const totals = new Map<string, number>();
  const observed = items.map(({ reviews }) => {
    const counts = new Map<string, number>();
    for (const { verdict } of reviews) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    for (const [verdict, count] of counts) totals.set(verdict, (totals.get(verdict) ?? 0) + count);
    return [...counts.values()].reduce((sum, count) => sum + count * (count - 1), 0) / (n * (n - 1));
  });
  const mean = observed.reduce((sum, each) => sum + each, 0) / items.length;
  const chance = [...totals.values()].reduce((sum, count) => sum + (count / (n * items.length)) ** 2, 0);
  return chance === 1 ? null : (mean - chance) / (1 - chance);
}
