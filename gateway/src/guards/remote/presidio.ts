import { z } from "zod";
import type { RemoteExchange, RemoteQuestion } from "./verdict.ts";
import { unclear } from "./verdict.ts";

const answerSchema = z.array(z.object({ entity_type: z.string().max(64), score: z.number() }));

/** What the analyzer is asked to look for. */
export interface PresidioSettings {
  /** Language of the texts, ISO 639-1. */
  readonly language: string;
  /** Lowest score that counts, 0 to 1. */
  readonly minScore: number;
  /** Entity types; empty means all the analyzer knows. */
  readonly entities: readonly string[];
  /** Version of the deployed analyzer; it does not say so itself. */
  readonly version: string;
}

/** Presidio analyzer, `POST /analyze` (https://microsoft.github.io/presidio/api-docs/api-docs.html). */
export function presidioExchange(settings: PresidioSettings, { text }: RemoteQuestion): RemoteExchange {
  const { language, minScore, entities, version } = settings;
  return {
    path: "/analyze",
    body: { text, language, score_threshold: minScore, ...(entities.length === 0 ? {} : { entities }) },
    read: (answer) => {
      const parsed = answerSchema.safeParse(answer);
      if (!parsed.success) return unclear("not a list of entities");
      const found: Record<string, number> = {};
      for (const { entity_type: type, score } of parsed.data)
        if (score >= minScore) found[type] = (found[type] ?? 0) + 1;
      return Object.keys(found).length === 0 ? { kind: "pass", version } : { kind: "block", version, found };
    },
  };
}
