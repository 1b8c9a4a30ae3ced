import { Decimal } from "decimal.js";
import { SERVICES, USAGE_SERVICES, type Service, type UsageService } from "./price.ts";

/** Dearest machine believed, USD/h: seven times the dearest in the tables' source (p6-b300.48xlarge, 142.416). */
const DEAREST_MACHINE = 1000;

/** Dearest service believed, USD/h: an order of magnitude above any list price seen. */
const DEAREST_SERVICE: Readonly<Record<Service, number>> = {
  cluster: 10,
  "nat-gateway": 10,
  "public-ipv4": 1,
  "interface-endpoint": 1,
  "disk-gib": 0.01,
  "shared-file-gib": 0.01,
  "encryption-key": 0.1,
  "load-balancer": 10,
  "firewall-policy": 1,
  "firewall-rule": 1,
};

/** Dearest unit believed, USD. */
const DEAREST_UNIT: Readonly<Record<UsageService, number>> = {
  "egress-gib": 5,
  "nat-gib": 5,
  "log-gib": 50,
  "flow-log-gib": 50,
  "object-gib-month": 5,
  "balancer-gib": 5,
  "metric-million-samples": 5,
  "shared-file-io-gib": 1,
};

const SKU =
  /^(?<cloud>aws|gcp)\/(?<region>[a-z0-9-]+)\/(?:machine\/(?<machine>[a-z0-9.-]+)\/(?:on-demand|spot)|use\/(?<use>[a-z-]+)|(?<service>[a-z0-9-]+))$/;

/** What a SKU is the key of. */
export interface SkuParts {
  readonly cloud: string;
  readonly region: string;
  readonly kind: "hourly" | "use";
  /** Dearest price believed, USD per hour or unit. */
  readonly dearest: number;
}

function member<T extends string>(names: readonly T[], name: string | undefined): T | undefined {
  return names.find((each) => each === name);
}

/** Takes a SKU apart; undefined when it is the key of nothing that is priced. */
export function skuParts(sku: string): SkuParts | undefined {
  const { cloud = "", region = "", machine, use, service } = SKU.exec(sku)?.groups ?? {};
  if (machine !== undefined) return { cloud, region, kind: "hourly", dearest: DEAREST_MACHINE };
  const used = member(USAGE_SERVICES, use);
  if (used !== undefined) return { cloud, region, kind: "use", dearest: DEAREST_UNIT[used] };
  const served = member(SERVICES, service);
  return served === undefined
    ? undefined
    : { cloud, region, kind: "hourly", dearest: DEAREST_SERVICE[served] };
}

/** Why an amount cannot be the price of a SKU; undefined when it can. */
export function absurdity(sku: string, usd: string | number): string | undefined {
  const parts = skuParts(sku);
  if (parts === undefined) return "is the key of nothing that is priced";
  let amount: Decimal;
  try {
    amount = new Decimal(usd);
  } catch {
    return `'${String(usd)}' is not a decimal number`;
  }
  const per = parts.kind === "hourly" ? "per hour" : "per unit";
  if (!amount.isFinite() || amount.lte(0)) return `${amount.toString()} USD ${per} is not above 0`;
  if (amount.gt(parts.dearest))
    return `${amount.toString()} USD ${per} is absurd: at most ${parts.dearest} is believed`;
  return undefined;
}
