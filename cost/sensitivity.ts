import { Decimal } from "decimal.js";
import type { ResourceGraph } from "../graph/graph.ts";
import { costOptions } from "../plan/cost-options.ts";
import { costOf, type CostLine, type CostReport } from "../plan/cost.ts";
import { mapRange, type Range } from "../plan/range.ts";
import { HOURS_PER_MONTH } from "../pricing/price.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { sumOf } from "./apportion.ts";

/** What the month would cost if one thing were different, USD. */
export interface SensitivityRow {
  readonly what: string;
  readonly monthlyUsd: Range<string>;
  /** Change of the expected figure. */
  readonly expectedChangeUsd: string;
}

/** How far prices are moved. */
const PRICE_STEP = new Decimal("0.2");

/** How far load is moved. */
const LOAD_STEP = 0.5;

interface Amount {
  readonly monthlyUsd: Range<string>;
}

function times({ monthlyUsd }: Amount, factor: Decimal): Amount {
  return { monthlyUsd: mapRange(monthlyUsd, (usd) => new Decimal(usd).times(factor).toFixed(2)) };
}

function totals(amounts: readonly Amount[]): Range<string> {
  const keys: Range<keyof Range<unknown>> = { min: "min", expected: "expected", max: "max" };
  return mapRange(keys, (key) => sumOf(amounts.map(({ monthlyUsd }) => monthlyUsd[key])));
}

function isGpu({ pool, units }: CostLine): boolean {
  return pool !== undefined && units.max.sku.includes("/machine/");
}

/** The same nodes at the on-demand price: what a month without spot capacity costs. */
function withoutSpot(line: CostLine): Amount {
  const onDemand = line.prices[line.units.max.sku];
  if (onDemand === undefined || !line.units.expected.sku.endsWith("/spot")) return line;
  return {
    monthlyUsd: mapRange(line.units, ({ quantity }) =>
      new Decimal(onDemand.usdPerHour).times(quantity).times(HOURS_PER_MONTH).toFixed(2),
    ),
  };
}

/**
 * What the environment would cost with other prices and another load. Caps of providers and of evaluations are amounts of money and do not move
 * with prices.
 */
export function sensitivityOf(
  graph: ResourceGraph,
  report: CostReport,
  underFactor: (factor: number) => PlatformConfig,
): SensitivityRow[] {
  const { lines, use } = report;
  const capped = use.filter(({ bound }) => bound !== "declared");
  const declared = use.filter(({ bound }) => bound === "declared");
  const prices = (factor: Decimal): Range<string> =>
    totals([...[...lines, ...declared].map((each) => times(each, factor)), ...capped]);
  const gpus = (factor: Decimal): Range<string> =>
    totals([...lines.map((line) => (isGpu(line) ? times(line, factor) : line)), ...use]);
  const load = (factor: number): Range<string> => {
    const options = costOptions(underFactor(factor));
    return options === undefined ? report.monthlyUsd : costOf(graph, options).monthlyUsd;
  };
  const [dearer, cheaper] = [new Decimal(1).plus(PRICE_STEP), new Decimal(1).minus(PRICE_STEP)];
  const rows: readonly (readonly [string, Range<string>])[] = [
    ["all list prices +20 %", prices(dearer)],
    ["all list prices -20 %", prices(cheaper)],
    ["GPU machines +20 %", gpus(dearer)],
    ["GPU machines -20 %", gpus(cheaper)],
    ["load +50 %", load(1 + LOAD_STEP)],
    ["load -50 %", load(1 - LOAD_STEP)],
    ...(lines.some(({ units: { expected } }) => expected.sku.endsWith("/spot") && expected.quantity > 0)
      ? [["no spot capacity all month", totals([...lines.map(withoutSpot), ...use])] as const]
      : []),
  ];
  return rows.map(([what, monthlyUsd]) => ({
    what,
    monthlyUsd,
    expectedChangeUsd: new Decimal(monthlyUsd.expected).minus(report.monthlyUsd.expected).toFixed(2),
  }));
}
