import { Decimal } from "decimal.js";
import type { CostReport } from "../plan/cost.ts";
import { mapRange, type Range } from "../plan/range.ts";

/** What goes on costing after a teardown. */
export interface UpkeepLine {
  readonly name: string;
  readonly what: string;
  /** USD. */
  readonly monthlyUsd: Range<string>;
}

/** Monthly cost of everything that is kept. */
export interface Upkeep {
  readonly lines: readonly UpkeepLine[];
  /** Total, USD. */
  readonly monthlyUsd: Range<string>;
  /** What costs and is in no figure. */
  readonly unknown: readonly string[];
}

/** What is kept, as far as its cost is concerned. */
export interface KeptThings {
  readonly urns: ReadonlySet<string>;
  /** Names of the buckets among them. */
  readonly buckets: readonly string[];
  /**
   * Keys of Google Cloud that wait for their destruction; AWS bills nothing meanwhile.
   * @see https://aws.amazon.com/kms/pricing/
   */
  readonly waitingKeys: readonly string[];
}

const NOTHING: Range<Decimal> = { min: new Decimal(0), expected: new Decimal(0), max: new Decimal(0) };

/** What kept things cost a month, at the prices and quantities of the stack's own plan. */
export function upkeepOf({ lines, use }: CostReport, { urns, buckets, waitingKeys }: KeptThings): Upkeep {
  const stored = buckets.length === 0 ? [] : use.filter(({ name }) => name === "object-gib-month");
  const kept: UpkeepLine[] = [
    ...lines.filter(({ urn }) => urns.has(urn)),
    ...stored.map((line) => ({
      ...line,
      name: buckets.join(", "),
      what: `${line.what}, all buckets of the stack`,
    })),
  ].map(({ name, what, monthlyUsd }) => ({ name, what, monthlyUsd }));
  const total = kept.reduce(
    (sum, { monthlyUsd }) => mapRange(sum, (value, key) => value.plus(monthlyUsd[key])),
    NOTHING,
  );
  return {
    lines: kept,
    monthlyUsd: mapRange(total, (value) => value.toFixed(2)),
    unknown: [
      ...(buckets.length > 0 && stored.length === 0
        ? [`storage of ${buckets.join(", ")}: budget.usage.objectStorageGiB declares no quantity`]
        : []),
      ...waitingKeys.map(
        (name) => `${name}: whether Google bills it until it is destroyed, at most its usual price`,
      ),
    ],
  };
}
