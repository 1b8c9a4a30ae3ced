import { Decimal } from "decimal.js";
import type { ResourceGraph } from "../graph/graph.ts";
import { priceOf } from "../pricing/catalog.ts";
import { ASSUMED, HOURS_PER_MONTH, type Price } from "../pricing/price.ts";
import { meteredItems, type MeterOptions, type MeteredItem } from "./metering.ts";
import { mapRange, type Range } from "./range.ts";
import { useLines, type UseLine, type UseOptions } from "./use.ts";

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
  /** What costs by use and is bounded by a declared quantity or a cap. */
  readonly use: readonly UseLine[];
  /** Monthly total of both, USD. */
  readonly monthlyUsd: Range<string>;
  /** Budget, USD. */
  readonly budgetUsd: string;
  readonly verdict: "within-budget" | "over-budget";
  /** Types that cost by use; what `budget.usage` does not declare of them is not in the figures. */
  readonly byUse: readonly string[];
}

/** How prices are found and judged. */
export interface CostOptions extends MeterOptions, UseOptions {
  readonly budget: {
    readonly monthly: number;
    /** USD of one unit of the budget's currency. */
    readonly usdPerUnit: number;
  };
}

/** Some resources have no known price; the message lists every SKU and the fix. */
export class UnknownPriceError extends Error {
  override readonly name = "UnknownPriceError";
  readonly skus: readonly string[];

  constructor(skus: readonly string[]) {
    const part = (key: string, unit: string, wanted: readonly string[]): string =>
      wanted.length === 0
        ? ""
        : `\n      ${key}:${wanted.map((sku) => `\n        ${JSON.stringify(sku)}: <${unit}>`).join("")}`;
    const isUse = (sku: string): boolean => sku.includes("/use/");
    super(
      `no price is known for ${skus.join(", ")}; an environment whose cost is unknown is not planned.\n` +
        `Import the provider's price list (\`llmops prices import\`), or ask for the price and write into the stack file:\n` +
        `  budget:\n    onUnknownPrice:\n      kind: assume\n      asOf: <today>` +
        part(
          "usdPerHour",
          "USD per hour",
          skus.filter((sku) => !isUse(sku)),
        ) +
        part("usdPerUnit", "USD per unit", skus.filter(isUse)),
    );
    this.skus = skus;
  }
}

const ZERO: Range<Decimal> = { min: new Decimal(0), expected: new Decimal(0), max: new Decimal(0) };

function lookUp(sku: string, options: CostOptions): Price | undefined {
  const known = priceOf(sku);
  if (known !== undefined) return known;
  const { usdPerHour, asOf } = options.assumed;
  const assumed = usdPerHour[sku];
  return assumed === undefined ? undefined : { usdPerHour: String(assumed), source: ASSUMED, asOf };
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
  const use = useLines(options, (sku) => unknown.add(sku));
  if (unknown.size > 0) throw new UnknownPriceError([...unknown].sort());
  const total = [...lines, ...use].reduce(
    (sum, line) => mapRange(sum, (value, key) => value.plus(line.monthlyUsd[key])),
    ZERO,
  );
  const budget = new Decimal(options.budget.monthly).times(options.budget.usdPerUnit);
  return {
    lines,
    use,
    monthlyUsd: mapRange(total, (value) => value.toFixed(2)),
    budgetUsd: budget.toFixed(2),
    verdict: total.max.lte(budget) ? "within-budget" : "over-budget",
    byUse,
  };
}
