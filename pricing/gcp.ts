import { machineSku, type Price } from "./price.ts";

const SOURCE =
  "https://github.com/skypilot-org/skypilot-catalog/blob/006059e/catalogs/v8/gcp/vms.csv (machine row plus GPU row)";
const AS_OF = "2026-08-20";

/** Region, machine, on-demand and spot, USD/h. */
const MACHINES = [
  ["europe-west1", "a3-highgpu-1g", "12.08904", "2.765"],
  ["europe-west4", "a3-highgpu-1g", "13.97715", "3.196"],
  ["europe-west4", "c4-standard-2", "0.10171", "0.04068"],
  ["europe-southwest1", "c4-standard-2", "0.1143", "0.0407"],
] as const;

/** Prices of Google Cloud machines by SKU. */
export function gcpMachinePrices(): [string, Price][] {
  return MACHINES.flatMap(([region, machine, onDemand, spot]): [string, Price][] => [
    [machineSku("gcp", region, machine, "on-demand"), { usdPerHour: onDemand, source: SOURCE, asOf: AS_OF }],
    [machineSku("gcp", region, machine, "spot"), { usdPerHour: spot, source: SOURCE, asOf: AS_OF }],
  ]);
}
