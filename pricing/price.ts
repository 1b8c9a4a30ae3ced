/** How a machine is bought. */
export type Purchase = "on-demand" | "spot";

/** Clouds with a price list. */
export type PricedCloud = "aws" | "gcp";

/** Where a figure comes from, and since when. */
export interface Provenance {
  readonly source: string;
  /** Day the source was read or states. */
  readonly asOf: string;
}

/** A list price of something that costs while it exists. */
export interface Price extends Provenance {
  /** USD per hour, as a decimal number in text so that nothing is rounded. */
  readonly usdPerHour: string;
}

/** A list price of something that costs by use. */
export interface UsagePrice extends Provenance {
  /** USD per unit of the service, as a decimal number in text. */
  readonly usdPerUnit: string;
}

/** Source of a price that no table gives. */
export const ASSUMED = "assumed in the stack file";

/** Hours of a month in every monthly figure. Source: https://aws.amazon.com/calculator/calculator-assumptions/ (read 2026-11-24). */
export const HOURS_PER_MONTH = 730;

/** Key of a machine's price. */
export function machineSku(cloud: PricedCloud, region: string, machine: string, purchase: Purchase): string {
  return `${cloud}/${region}/machine/${machine}/${purchase}`;
}

/** Everything else that costs money by the hour. */
export const SERVICES = [
  "cluster",
  "nat-gateway",
  "public-ipv4",
  "interface-endpoint",
  "disk-gib",
  "shared-file-gib",
  "encryption-key",
  "load-balancer",
  "firewall-policy",
  "firewall-rule",
] as const;

/** Something else that costs money by the hour. */
export type Service = (typeof SERVICES)[number];

/** Key of a service's price. */
export function serviceSku(cloud: PricedCloud, region: string, service: Service): string {
  return `${cloud}/${region}/${service}`;
}

/** What costs money by use; the name ends in the unit it is counted in. */
export const USAGE_SERVICES = [
  "egress-gib",
  "nat-gib",
  "log-gib",
  "flow-log-gib",
  "object-gib-month",
  "balancer-gib",
  "metric-million-samples",
  "shared-file-io-gib",
] as const;

/** Something that costs money by use. */
export type UsageService = (typeof USAGE_SERVICES)[number];

/** Key of a price by use. */
export function usageSku(cloud: PricedCloud, region: string, service: UsageService): string {
  return `${cloud}/${region}/use/${service}`;
}
