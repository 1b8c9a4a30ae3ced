import { Decimal } from "decimal.js";
import { usagePriceOf } from "../pricing/catalog.ts";
import { ASSUMED, usageSku, type PricedCloud, type UsagePrice, type UsageService } from "../pricing/price.ts";
import { mapRange, type Range } from "./range.ts";

/** A quantity of a month that the stack file declares. */
export interface DeclaredUse {
  readonly service: UsageService;
  readonly expected: number;
  /** Most the budget allows for. */
  readonly max: number;
}

/** What pricing by use needs. */
export interface UseOptions {
  readonly cloud: PricedCloud;
  readonly region: string;
  /** Quantities by use that the stack file declares. */
  readonly usage: readonly DeclaredUse[];
  /** External model providers with what the gateway lets each cost in a month, USD. */
  readonly providers: readonly { readonly name: string; readonly monthlyCapUsd: number }[];
  /** Evaluations in the cluster; absent where there are none. */
  readonly evaluations?: {
    readonly runsPerMonth: number;
    /** Of one, USD. */
    readonly expectedUsd: number;
    /** Most one may cost, USD. */
    readonly maxUsd: number;
  };
  /** Prices that stand in for unknown ones by SKU; empty: an unknown price is an error. */
  readonly assumed: {
    readonly usdPerHour: Readonly<Record<string, number>>;
    readonly usdPerUnit: Readonly<Record<string, number>>;
    /** Day somebody asked for them, ISO. */
    readonly asOf: string;
  };
}

/** What holds a cost by use below its ceiling. */
export type Bound =
  /** The gateway refuses calls beyond it. */
  | "gateway"
  /** The runner stops before it. */
  | "runner"
  /** Nothing refuses it: the budget's alarm tells somebody. */
  | "declared";

/** What something costs by use. */
export interface UseLine {
  readonly name: string;
  readonly what: string;
  readonly bound: Bound;
  readonly monthlyUsd: Range<string>;
  /** Prices used, by SKU; none where the amount itself is capped. */
  readonly prices: Readonly<Record<string, UsagePrice>>;
}

const WHAT: Readonly<Record<UsageService, string>> = {
  "egress-gib": "GiB to the internet",
  "nat-gib": "GiB through NAT gateways",
  "log-gib": "GiB of logs",
  "flow-log-gib": "GiB of flow logs",
  "object-gib-month": "GiB in object storage",
  "balancer-gib": "GiB through the entry's load balancer",
  "metric-million-samples": "million samples of metrics",
  "shared-file-io-gib": "GiB to and from shared files",
};

function lookUp(sku: string, { assumed }: UseOptions): UsagePrice | undefined {
  const known = usagePriceOf(sku);
  if (known !== undefined) return known;
  const amount = assumed.usdPerUnit[sku];
  return amount === undefined
    ? undefined
    : { usdPerUnit: String(amount), source: ASSUMED, asOf: assumed.asOf };
}

/**
 * GPU hours of evaluations, beside the nodes that pools declare: they may wake a model that sleeps. At the ceiling, where every node runs all month,
 * they are counted twice, which errs on the safe side.
 */
function evaluationLines({ evaluations }: UseOptions): UseLine[] {
  if (evaluations === undefined) return [];
  const { runsPerMonth, expectedUsd, maxUsd } = evaluations;
  return [
    {
      name: "evaluations",
      what: `${runsPerMonth} evaluations of at most ${maxUsd} USD, stopped by the runner`,
      bound: "runner",
      monthlyUsd: mapRange({ min: 0, expected: expectedUsd, max: maxUsd }, (usd) =>
        new Decimal(usd).times(runsPerMonth).toFixed(2),
      ),
      prices: {},
    },
  ];
}

/** What declared use and capped providers cost; SKUs without a price are handed to `unknown`. */
export function useLines(options: UseOptions, unknown: (sku: string) => void): UseLine[] {
  const declared = options.usage.map(({ service, expected, max }): UseLine => {
    const sku = usageSku(options.cloud, options.region, service);
    const price = lookUp(sku, options);
    if (price === undefined) unknown(sku);
    return {
      name: service,
      what: `${expected} to ${max} ${WHAT[service]}`,
      bound: "declared",
      monthlyUsd: mapRange({ min: 0, expected, max }, (quantity) =>
        new Decimal(price?.usdPerUnit ?? 0).times(quantity).toFixed(2),
      ),
      prices: price === undefined ? {} : { [sku]: price },
    };
  });
  const providers = options.providers.map(({ name, monthlyCapUsd }): UseLine => {
    const cap = new Decimal(monthlyCapUsd).toFixed(2);
    return {
      name,
      what: "tokens of a provider, capped by the gateway",
      bound: "gateway",
      monthlyUsd: { min: "0.00", expected: cap, max: cap },
      prices: {},
    };
  });
  return [...declared, ...providers, ...evaluationLines(options)];
}
