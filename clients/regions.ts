import type { GpuCloud } from "../components/gpu/accelerators.ts";
import { EU_REGIONS } from "../stacks/schema/checks/residency.ts";
import { ForkError } from "./fork-error.ts";

const FORMS: Readonly<Record<GpuCloud, RegExp>> = {
  aws: /^[a-z]{2}(-[a-z]+)+-\d$/,
  gcp: /^[a-z]+-[a-z]+\d+$/,
};

/** The one region whose zones do not begin with `a`. Source: https://cloud.google.com/compute/docs/regions-zones, read 2026-11-24. */
const LETTERS: Readonly<Record<string, string>> = { "europe-west1": "bcd" };

/** Regions of a cloud the platform runs in. */
export function regionsOf(cloud: GpuCloud): string[] {
  return [...EU_REGIONS].filter((region) => FORMS[cloud].test(region));
}

/** @throws ForkError when the platform does not run there */
export function checkRegion(cloud: GpuCloud, region: string): void {
  if (!regionsOf(cloud).includes(region))
    throw new ForkError(
      `--region '${region}' is not supported on ${cloud}; use one of ${regionsOf(cloud).join(", ")}`,
    );
}

/**
 * Names of a region's first zones.
 * @throws ForkError when the region has fewer than asked for
 */
export function zonesOf(cloud: GpuCloud, region: string, count: number): string[] {
  const letters = LETTERS[region] ?? "abc";
  if (count > letters.length)
    throw new ForkError(
      `${region} has ${letters.length} zones that are known, ${count} are needed; give --zones`,
    );
  return Array.from(letters.slice(0, count), (letter) =>
    cloud === "aws" ? region + letter : `${region}-${letter}`,
  );
}
