import { machineSku, type Price } from "./price.ts";

const SOURCE =
  "https://github.com/skypilot-org/skypilot-catalog/blob/006059e/catalogs/v8/gcp/vms.csv (machine row plus GPU row)";
const AS_OF = "2026-08-20";

/**
 * Region, machine, on-demand and spot, USD/h. A g2 machine is its own row plus the row of its L4; the source has no g2 in
 * europe-southwest1.
 */
const MACHINES = [
  ["europe-west1", "a3-highgpu-1g", "12.08904", "2.765"],
  ["europe-west4", "a3-highgpu-1g", "13.97715", "3.196"],
  ["europe-west4", "c4-standard-2", "0.10171", "0.04068"],
  ["europe-southwest1", "c4-standard-2", "0.1143", "0.0407"],
  ["europe-southwest1", "e2-standard-4", "0.15815", "0.07274"],
  ["europe-west1", "e2-standard-4", "0.14743", "0.05896"],
  ["europe-west4", "e2-standard-4", "0.14754", "0.06142"],
  ["europe-west1", "g2-standard-4", "0.77829", "0.29356"],
  ["europe-west1", "g2-standard-8", "0.93993", "0.34652"],
  ["europe-west1", "g2-standard-12", "1.10156", "0.39948"],
  ["europe-west4", "g2-standard-4", "0.74233", "0.3153"],
  ["europe-west4", "g2-standard-8", "0.89661", "0.38679"],
  ["europe-west4", "g2-standard-12", "1.0509", "0.45829"],
] as const;

/** Prices of Google Cloud machines by SKU. */
export function gcpMachinePrices(): [string, Price][] {
  return MACHINES.flatMap(([region, machine, onDemand, spot]): [string, Price][] => [
    [machineSku("gcp", region, machine, "on-demand"), { usdPerHour: onDemand, source: SOURCE, asOf: AS_OF }],
    [machineSku("gcp", region, machine, "spot"), { usdPerHour: spot, source: SOURCE, asOf: AS_OF }],
  ]);
}
