import type { Detector, Match } from "./finding.ts";
import { simplifiedView } from "./views.ts";
import { wordsOf } from "./words.ts";

/** Finds phrases, word by word, whatever the case, accents, punctuation and spacing. */
export function denyTopicsDetector(name: string, phrases: readonly string[]): Detector {
  const byFirst = new Map<string, string[][]>();
  for (const phrase of phrases) {
    const words = wordsOf(simplifiedView(phrase).text).map((word) => word.text);
    const [first] = words;
    if (first !== undefined) byFirst.set(first, [...(byFirst.get(first) ?? []), words]);
  }
  const longest = Math.max(0, ...phrases.map((phrase) => phrase.length));
  return {
    kinds: ["topic"],
    name,
    version: "1",
    maxLength: 2 * longest + 16,
    sign: /[\p{L}\p{N}]/u,
    find(text) {
      const words = wordsOf(text);
      const found: Match[] = [];
      words.forEach((word, at) => {
        for (const phrase of byFirst.get(word.text) ?? []) {
          const last = words[at + phrase.length - 1];
          if (last !== undefined && phrase.every((part, step) => words[at + step]?.text === part)) {
            found.push({ kind: "topic", start: word.start, end: last.end });
          }
        }
      });
      return found;
    },
  };
}
