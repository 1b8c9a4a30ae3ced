import { Decimal } from "decimal.js";
import type { ResourceGraph } from "../graph/graph.ts";
import { priceOf } from "../pricing/catalog.ts";
import { HOURS_PER_MONTH, type Price } from "../pricing/price.ts";
import { meteredItems, type MeterOptions, type MeteredItem } from "./metering.ts";

/** A figure at the quietest hour, on an ordinary day, and when everything runs at its ceiling. */
export interface Range<T> {
  readonly min: T;
  readonly expected: T;
  readonly max: T;
}

/** What one resource costs. */
export interface CostLine extends MeteredItem {
  /** Monthly cost, USD. */
  readonly monthlyUsd: Range<string>;
  /** Prices used, by SKU. */
  readonly prices: Readonly<Record<string, Price>>;
}

/** What an environment costs. */
export interface CostReport {
  readonly lines: readonly CostLine[];
  /** Monthly total, USD. */
  readonly monthlyUsd: Range<string>;
  /** Budget, USD. */
  readonly budgetUsd: string;
  readonly verdict: "within-budget" | "over-budget";
  /** Types that cost by use (requests, traffic, log volume); not in the figures. */
  readonly byUse: readonly string[];
}

/** Source of a price that no table gives. */
export const ASSUMED = "assumed in the stack file";

/** How prices are found and judged. */
export interface CostOptions extends MeterOptions {
  readonly budget: {
    readonly monthly: number;
    /** USD of one unit of the budget's currency. */
    readonly usdPerUnit: number;
  };
  /** Prices that stand in for unknown ones, USD/h by SKU; empty: an unknown price is an error. */
  readonly assumedUsdPerHour: Readonly<Record<string, number>>;
  /** Day somebody asked for the assumed prices, ISO. */
  readonly assumedAsOf: string;
}

/** Some resources have no known price; the message lists every SKU and the fix. */
export class UnknownPriceError extends Error {
  override readonly name = "UnknownPriceError";
  readonly skus: readonly string[];

  constructor(skus: readonly string[]) {
    const sample = skus.map((sku) => `      ${JSON.stringify(sku)}: <USD per hour>`).join("\n");
    super(
      `no price is known for ${skus.join(", ")}; an environment whose cost is unknown is not planned.\n` +
        `Ask the provider for the price, then write into the stack file:\n` +
        `  budget:\n    onUnknownPrice:\n      kind: assume\n      asOf: <today>\n      usdPerHour:\n${sample.replaceAll("      ", "        ")}`,
    );
    this.skus = skus;
  }
}

const ZERO: Range<Decimal> = { min: new Decimal(0), expected: new Decimal(0), max: new Decimal(0) };

function mapRange<T, U>(range: Range<T>, change: (value: T, key: keyof Range<T>) => U): Range<U> {
  return {
    min: change(range.min, "min"),
    expected: change(range.expected, "expected"),
    max: change(range.max, "max"),
  };
}

function lookUp(sku: string, options: CostOptions): Price | undefined {
  const known = priceOf(sku);
  if (known !== undefined) return known;
  const assumed = options.assumedUsdPerHour[sku];
  return assumed === undefined
    ? undefined
    : { usdPerHour: String(assumed), source: ASSUMED, asOf: options.assumedAsOf };
}

/**
 * Prices every resource of a graph at its minimum, expected and maximum size.
 * @throws UnknownPriceError naming every SKU without a price
 * @throws UnclassifiedResourceError for a cloud resource nobody has said the cost of
 */
export function costOf(graph: ResourceGraph, options: CostOptions): CostReport {
  const { items, byUse } = meteredItems(graph, options);
  const unknown = new Set<string>();
  const lines = items.map((item): CostLine => {
    const prices: Record<string, Price> = {};
    const monthlyUsd = mapRange(item.units, ({ sku, quantity }) => {
      const price = lookUp(sku, options);
      if (price === undefined) {
        unknown.add(sku);
        return "0";
      }
      prices[sku] = price;
      return new Decimal(price.usdPerHour).times(quantity).times(HOURS_PER_MONTH).toFixed(2);
    });
    return { ...item, monthlyUsd, prices };
  });
  if (unknown.size > 0) throw new UnknownPriceError([...unknown].sort());
  const total = lines.reduce(
    (sum, line) => mapRange(sum, (value, key) => value.plus(line.monthlyUsd[key])),
    ZERO,
  );
  const budget = new Decimal(options.budget.monthly).times(options.budget.usdPerUnit);
  return {
    lines,
    monthlyUsd: mapRange(total, (value) => value.toFixed(2)),
    budgetUsd: budget.toFixed(2),
    verdict: total.max.lte(budget) ? "within-budget" : "over-budget",
    byUse,
  };
}
