import { addressRange, networkAt } from "../components/network/cidr.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { ForkError } from "./fork-error.ts";

/** Where networks are taken from unless another range is named. @see https://www.rfc-editor.org/rfc/rfc1918 */
export const PRIVATE_SPACE = "10.0.0.0/8";

/** Every network a stack file gives its environment. */
export function networksOf(cloud: PlatformConfig["cloud"]): string[] {
  switch (cloud.provider) {
    case "aws":
      return [cloud.network.cidr];
    case "gcp":
      return Object.values(cloud.network).filter((range) => range !== undefined);
    case "existing":
    case "local":
      return [];
  }
}

/** First network of a length in the space that meets none of the others; undefined when there is none. */
function firstFree(space: string, prefix: number, taken: readonly string[]): string | undefined {
  const { first, last } = addressRange(space);
  const size = 2 ** (32 - prefix);
  const ranges = taken.map(addressRange).sort((a, b) => a.first - b.first);
  let start = Math.ceil(first / size) * size;
  for (const range of ranges)
    if (range.last >= start && range.first <= start + size - 1)
      start = Math.ceil((range.last + 1) / size) * size;
  return start + size - 1 <= last ? networkAt(start, prefix) : undefined;
}

/**
 * Takes free networks, the widest first, and returns them in the order asked for. They overlap neither each other nor `taken`.
 * @param space range to take them from, in CIDR notation
 * @param prefixes lengths, bits
 * @throws ForkError when the space has no room
 */
export function allocate(space: string, prefixes: readonly number[], taken: readonly string[]): string[] {
  const given: string[] = [];
  const byIndex = new Map<number, string>();
  const widestFirst = [...prefixes.entries()].sort(([, a], [, b]) => a - b);
  for (const [index, prefix] of widestFirst) {
    const network = firstFree(space, prefix, [...taken, ...given]);
    if (network === undefined)
      throw new ForkError(
        `no free /${prefix} is left in ${space}: ${taken.length + given.length} networks are taken by the stack files; give another range with --network`,
      );
    given.push(network);
    byIndex.set(index, network);
  }
  return prefixes.map((_, index) => byIndex.get(index) ?? "");
}
