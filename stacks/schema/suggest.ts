import { closest, distance } from "fastest-levenshtein";

/** The known name a misspelt one most likely means: at most a third of its letters differ. */
export function didYouMean(given: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(given, [...known]);
  return distance(given.toLowerCase(), best.toLowerCase()) <= Math.max(1, Math.floor(best.length / 3))
    ? best
    : undefined;
}
