/** First and last address of an IPv4 network, as unsigned 32-bit numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
  /** Prefix length, bits. */
  readonly prefix: number;
}

/** Range of a network in CIDR notation whose form is already validated. */
export function addressRange(cidr: string): AddressRange {
  const [address = "", bits = ""] = cidr.split("/");
  const prefix = Number(bits);
  const value = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(value / size) * size;
  return { first, last: first + size - 1, prefix };
}

/** True when two networks share an address. */
export function overlaps(a: string, b: string): boolean {
  const left = addressRange(a);
  const right = addressRange(b);
  return left.first <= right.last && right.first <= left.last;
}

/** Addresses that nobody has on the internet. Sources: https://www.rfc-editor.org/rfc/rfc1918, https://www.rfc-editor.org/rfc/rfc6598 */
const PRIVATE_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map(addressRange);

/** True when no address of a network is one of the internet. */
export function isPrivate(cidr: string): boolean {
  const { first, last } = addressRange(cidr);
  return PRIVATE_RANGES.some((range) => range.first <= first && last <= range.last);
}

/** Network of a length, in bits, that starts at an address, in CIDR notation. */
export function networkAt(first: number, prefix: number): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}
