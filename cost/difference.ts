import { Decimal } from "decimal.js";
import { z } from "zod";
import type { Range } from "../plan/range.ts";

/** A line of a cost report that can be found again in another. */
export interface NamedCost {
  readonly name: string;
  readonly what: string;
  readonly monthlyUsd: Range<string>;
}

/** Costs of one side of a comparison. */
export interface CostSide {
  readonly title: string;
  /** Stack whose name every resource begins with. */
  readonly stack: string;
  readonly lines: readonly NamedCost[];
  readonly monthlyUsd: Range<string>;
}

/** A line that costs something else on the other side, USD per month. */
export interface LineChange {
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** Change of each figure. */
  readonly usd: Range<string>;
}

/** What two sides differ by. */
export interface CostDifference {
  readonly before: string;
  readonly after: string;
  readonly lines: readonly LineChange[];
  readonly totalUsd: Range<string>;
}

const range = z.object({ min: z.string(), expected: z.string(), max: z.string() });
const line = z.object({ name: z.string(), what: z.string(), monthlyUsd: range });

/** The part of `llmops plan --json` that is compared; an older version has no bounded use. */
const planSchema = z.object({
  cost: z.object({ lines: z.array(line), use: z.array(line).default([]), monthlyUsd: range }).optional(),
});

/** A plan that another commit printed and this one cannot read. */
export class CostSideError extends Error {
  override readonly name = "CostSideError";
}

/**
 * Reads the output of `llmops plan --json`.
 * @throws CostSideError when it is something else or nothing is rented
 */
export function costSideOf(stack: string, title: string, output: string): CostSide {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw new CostSideError(`${title}: the plan printed no JSON`);
  }
  const parsed = planSchema.safeParse(value);
  if (!parsed.success || parsed.data.cost === undefined)
    throw new CostSideError(`${title}: the plan has no cost`);
  const { lines, use, monthlyUsd } = parsed.data.cost;
  return { title, stack, lines: [...lines, ...use], monthlyUsd };
}

const ZERO: Range<string> = { min: "0", expected: "0", max: "0" };

function minus(after: Range<string>, before: Range<string>): Range<string> {
  const of = (key: keyof Range<string>): string => new Decimal(after[key]).minus(before[key]).toFixed(2);
  return { min: of("min"), expected: of("expected"), max: of("max") };
}

function added(lines: readonly NamedCost[]): Range<string> {
  const of = (key: keyof Range<string>): string =>
    lines.reduce((sum, { monthlyUsd }) => sum.plus(monthlyUsd[key]), new Decimal(0)).toFixed(2);
  return { min: of("min"), expected: of("expected"), max: of("max") };
}

/** Name without the stack it belongs to, so that two stacks can be compared. */
function within(prefix: string, name: string): string {
  return name.startsWith(`${prefix}-`) ? name.slice(prefix.length + 1) : name;
}

/** Compares two sides by resource; lines add up to the difference of the totals exactly. */
export function costDifference(before: CostSide, after: CostSide): CostDifference {
  const grouped = ({ stack, lines }: CostSide): Map<string, NamedCost[]> =>
    Map.groupBy(lines, ({ name }) => within(stack, name));
  const [old, now] = [grouped(before), grouped(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  const lines = names.flatMap((name): LineChange[] => {
    const [was, is] = [old.get(name), now.get(name)];
    const usd = minus(is === undefined ? ZERO : added(is), was === undefined ? ZERO : added(was));
    const change = was === undefined ? "added" : is === undefined ? "removed" : "changed";
    const isSame = [usd.min, usd.expected, usd.max].every((value) => new Decimal(value).isZero());
    return change === "changed" && isSame ? [] : [{ name, change, usd }];
  });
  return {
    before: before.title,
    after: after.title,
    lines,
    totalUsd: minus(after.monthlyUsd, before.monthlyUsd),
  };
}
