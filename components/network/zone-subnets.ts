import { addressRange, networkAt } from "./cidr.ts";

/** Subnets of one availability zone. */
export interface ZoneSubnets {
  readonly zone: string;
  /** Nodes and pods. */
  readonly privateCidr: string;
  /** NAT gateways and load balancers. */
  readonly publicCidr: string;
}

/** Most zones a VPC is split into: six eighths for private subnets, one eighth for all public ones. */
export const MAX_ZONES = 6;

/**
 * Smallest subnet AWS accepts is a /28; a public subnet is six bits longer than the VPC, so a /20 gives /26.
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
 */
const NARROWEST_VPC = 20;

function slice(first: number, prefix: number, index: number): string {
  return networkAt(first + index * 2 ** (32 - prefix), prefix);
}

/**
 * Splits a VPC over zones. A zone's subnets depend only on its position, so appending a zone moves no other zone.
 * @param cidr address range of the VPC, /16 to /20
 * @param zones availability zones, 1 to 6
 * @throws RangeError when the zones or the range do not fit
 */
export function zoneSubnets(cidr: string, zones: readonly string[]): ZoneSubnets[] {
  const { first, prefix } = addressRange(cidr);
  if (zones.length === 0 || zones.length > MAX_ZONES)
    throw new RangeError(`${zones.length} zones: a VPC is split into 1 to ${MAX_ZONES}`);
  if (prefix < 16 || prefix > NARROWEST_VPC)
    throw new RangeError(`/${prefix}: a VPC needs a prefix from /16 to /${NARROWEST_VPC}`);
  const publicFirst = first + MAX_ZONES * 2 ** (32 - prefix - 3);
  return zones.map((zone, index) => ({
    zone,
    privateCidr: slice(first, prefix + 3, index),
    publicCidr: slice(publicFirst, prefix + 6, index),
  }));
}
