/** How a machine is bought. */
export type Purchase = "on-demand" | "spot";

/** A list price. */
export interface Price {
  /** USD per hour, as a decimal number in text so that nothing is rounded. */
  readonly usdPerHour: string;
  readonly source: string;
  /** Day the source was read or states. */
  readonly asOf: string;
}

/** Hours of a month in every monthly figure. Source: https://aws.amazon.com/calculator/calculator-assumptions/ (read 2026-11-24). */
export const HOURS_PER_MONTH = 730;

/** Key of a machine's price. */
export function machineSku(
  cloud: "aws" | "gcp",
  region: string,
  machine: string,
  purchase: Purchase,
): string {
  return `${cloud}/${region}/machine/${machine}/${purchase}`;
}

/** Everything else that costs money by the hour. */
export type Service =
  "cluster" | "nat-gateway" | "public-ipv4" | "interface-endpoint" | "disk-gib" | "encryption-key";

/** Key of a service's price. */
export function serviceSku(cloud: "aws" | "gcp", region: string, service: Service): string {
  return `${cloud}/${region}/${service}`;
}
