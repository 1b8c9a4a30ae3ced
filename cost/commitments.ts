import { Decimal } from "decimal.js";
import type { CostReport } from "../plan/cost.ts";
import { HOURS_PER_MONTH, type Price } from "../pricing/price.ts";

/** Nodes of a pool over a month and what one costs. */
export interface PoolLoad {
  readonly pool: string;
  /** Nodes in use in equal windows; one window where only the ordinary day is known. */
  readonly nodes: readonly number[];
  readonly onDemand: Price;
}

/** What committing to nodes of a pool does. */
export interface Commitment {
  readonly pool: string;
  /** Number of nodes to commit to that costs least. */
  readonly nodes: number;
  readonly onDemandUsd: string;
  readonly committedUsd: string;
  readonly savedUsd: string;
}

/** Month's cost with some nodes paid always at a discount and the others by the hour. */
function monthOf({ nodes, onDemand }: PoolLoad, committed: number, discount: Decimal): Decimal {
  const beyond = nodes.reduce((sum, count) => sum.plus(Math.max(0, count - committed)), new Decimal(0));
  const mean = beyond.div(nodes.length);
  return new Decimal(1)
    .minus(discount)
    .times(committed)
    .plus(mean)
    .times(onDemand.usdPerHour)
    .times(HOURS_PER_MONTH);
}

/**
 * The commitment that costs least at a discount. A further node pays when it is in use more than (1 - discount) of the time.
 * @throws RangeError when the discount is not between 0 and 1
 */
export function commitmentFor(load: PoolLoad, discount: number): Commitment {
  if (!(discount > 0 && discount < 1))
    throw new RangeError(`a discount of ${discount} is not between 0 and 1`);
  const share = new Decimal(discount);
  const most = Math.ceil(Math.max(0, ...load.nodes));
  const choices = Array.from({ length: most + 1 }, (_, nodes) => ({
    nodes,
    usd: monthOf(load, nodes, share),
  }));
  const best = choices.reduce((least, choice) => (choice.usd.lt(least.usd) ? choice : least));
  const onDemandUsd = monthOf(load, 0, share);
  return {
    pool: load.pool,
    nodes: best.nodes,
    onDemandUsd: onDemandUsd.toFixed(2),
    committedUsd: best.usd.toFixed(2),
    savedUsd: onDemandUsd.toDecimalPlaces(2).minus(best.usd.toDecimalPlaces(2)).toFixed(2),
  };
}

/** Spot nodes of a pool, with what an interruption costs. */
export interface SpotCost {
  readonly pool: string;
  readonly onDemandUsdPerHour: string;
  readonly spotUsdPerHour: string;
  /** USD of a useful node-hour at each number of interruptions per node and day. */
  readonly perUsefulHour: readonly { readonly interruptionsPerDay: number; readonly usd: string }[];
  /** Interruptions per node and day at which spot costs as much as on-demand. */
  readonly breakEvenPerDay: string;
}

/** Interruptions per node and day that are tabulated: nobody publishes rates per region, so none of them is a forecast. */
const INTERRUPTIONS = [0, 1, 4, 12] as const;

const MINUTES_PER_DAY = 1440;

/**
 * What a useful hour of a spot node costs when each interruption wastes paid minutes until the replica serves again.
 * @throws RangeError when the minutes are not above 0, or so many that the node never serves
 */
export function spotCost(
  pool: string,
  prices: { readonly onDemand: Price; readonly spot: Price },
  minutesLost: number,
): SpotCost {
  const most = Math.max(...INTERRUPTIONS);
  if (!(minutesLost > 0 && minutesLost * most < MINUTES_PER_DAY))
    throw new RangeError(
      `${minutesLost} minutes per interruption is not between 0 and ${MINUTES_PER_DAY / most}`,
    );
  const spot = new Decimal(prices.spot.usdPerHour);
  const onDemand = new Decimal(prices.onDemand.usdPerHour);
  const useful = (perDay: number): Decimal => new Decimal(1).minus((perDay * minutesLost) / MINUTES_PER_DAY);
  return {
    pool,
    onDemandUsdPerHour: prices.onDemand.usdPerHour,
    spotUsdPerHour: prices.spot.usdPerHour,
    perUsefulHour: INTERRUPTIONS.map((interruptionsPerDay) => ({
      interruptionsPerDay,
      usd: spot.div(useful(interruptionsPerDay)).toSignificantDigits(6).toFixed(),
    })),
    breakEvenPerDay: new Decimal(1)
      .minus(spot.div(onDemand))
      .times(MINUTES_PER_DAY)
      .div(minutesLost)
      .toSignificantDigits(4)
      .toFixed(),
  };
}

/** GPU machines of a report by pool, on demand and, where a rung uses it, as spot. */
export function poolPrices({ lines }: CostReport): ReadonlyMap<string, { onDemand: Price; spot?: Price }> {
  const found = new Map<string, { onDemand: Price; spot?: Price }>();
  for (const { pool, units, prices } of lines) {
    const onDemand = prices[units.max.sku];
    if (pool === undefined || onDemand === undefined || !units.max.sku.includes("/machine/")) continue;
    const spot = units.expected.sku.endsWith("/spot") ? prices[units.expected.sku] : undefined;
    const known = found.get(pool);
    const best = spot ?? known?.spot;
    found.set(pool, { onDemand, ...(best === undefined ? {} : { spot: best }) });
  }
  return found;
}
