import { z } from "zod";
import { readRecords } from "../gateway/src/cli/records.ts";
import { PromptError } from "./prompt.ts";
import type { VariantSample } from "./readout.ts";

/** What makes a call a success. */
export const METRICS = {
  completed: "the call got its whole answer",
  unflagged: "it got its whole answer and no output guard had anything to do",
} as const;

/** Name of a metric. */
export type Metric = keyof typeof METRICS;

/** Who sticks to a variant; must be the model's `prompts.sticky`. */
export type StickyUnit = "client" | "trace" | "subject";

/** Where the comparison is read from. */
export interface AuditSelection {
  /** Name of the prompt. */
  readonly prompt: string;
  readonly metric: Metric;
  readonly unit: StickyUnit;
}

/** Samples with what was left out of them. */
export interface AuditSamples {
  readonly samples: readonly VariantSample[];
  /** Calls that belong to no unit. */
  readonly withoutUnit: number;
  /** Units that got more than one variant: weights or prompts were changed on the way; they are left out. */
  readonly mixedUnits: number;
}

interface UnitCalls {
  readonly versions: Set<string>;
  calls: number;
  successes: number;
}

/** Adds up the mean score of each unit. */
function sample(version: string, units: readonly UnitCalls[]): VariantSample {
  const scores = units.map(({ calls, successes }) => successes / calls);
  return {
    version,
    units: scores.length,
    sum: scores.reduce((sum, score) => sum + score, 0),
    sumOfSquares: scores.reduce((sum, score) => sum + score ** 2, 0),
  };
}

/**
 * Samples of every version of a prompt in an audit log. The unit that was assigned at random is the unit that is counted: calls of
 * one person are not independent.
 */
export async function samplesFromAudit(
  addresses: readonly string[],
  { prompt, metric, unit }: AuditSelection,
): Promise<AuditSamples> {
  const open = new Map<string, UnitCalls>();
  const units = new Map<string, UnitCalls>();
  let withoutUnit = 0;
  const acted = new Set(["redact", "replace", "review", "block", "error", "flag"]);
  for await (const { record } of readRecords(addresses)) {
    const { body } = record;
    const isCached = body.kind === "decision" && body.result === "cached";
    if (body.kind === "intent" || isCached) {
      if (body.prompt?.startsWith(`${prompt}@`) !== true) continue;
      const who = body[unit];
      if (who === undefined) {
        withoutUnit += 1;
        continue;
      }
      const key = `${body.tenant} ${who}`;
      const calls = units.get(key) ?? { versions: new Set(), calls: 0, successes: 0 };
      units.set(key, calls);
      calls.versions.add(body.prompt);
      calls.calls += 1;
      if (isCached) calls.successes += 1;
      else open.set(body.id, calls);
    } else if (body.kind === "outcome") {
      const calls = open.get(body.id);
      open.delete(body.id);
      const isClean = !body.guards.some(({ side, action }) => side === "output" && acted.has(action));
      if (calls !== undefined && body.result === "completed" && (metric === "completed" || isClean))
        calls.successes += 1;
    }
  }
  const pure = [...units.values()].filter(({ versions }) => versions.size === 1);
  const byVersion = Map.groupBy(pure, ({ versions }) => [...versions][0] ?? "");
  return {
    samples: [...byVersion]
      .map(([version, calls]) => sample(version, calls))
      .sort((a, b) => a.version.localeCompare(b.version, "en", { numeric: true })),
    withoutUnit,
    mixedUnits: units.size - pure.length,
  };
}

const countsSchema = z.strictObject({
  variants: z
    .array(
      z
        .strictObject({
          version: z.string().min(1),
          units: z.int().min(0),
          successes: z.int().min(0),
        })
        .refine(({ units, successes }) => successes <= units, "there are more successes than units"),
    )
    .min(2, "give the control first, then at least one other variant"),
});

/**
 * Samples of counted yes-or-no outcomes, one per unit; the first variant is the control.
 * @throws PromptError naming the key that is wrong
 */
export function samplesFromCounts(file: string, value: unknown): VariantSample[] {
  const parsed = countsSchema.safeParse(value);
  if (!parsed.success)
    throw new PromptError(
      parsed.error.issues
        .map(({ path, message }) => `${file}: ${z.core.toDotPath(path) || "the file"}: ${message}`)
        .join("\n"),
    );
  return parsed.data.variants.map(({ version, units, successes }) => ({
    version,
    units,
    sum: successes,
    sumOfSquares: successes,
  }));
}
