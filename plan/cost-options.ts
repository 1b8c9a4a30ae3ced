import type { PlatformConfig } from "../stacks/schema/platform.ts";
import type { CostOptions } from "./cost.ts";

/** What pricing needs besides the graph; undefined where nothing is rented. */
export function costOptions(config: PlatformConfig): CostOptions | undefined {
  const { cloud, budget, gpuPools } = config;
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return undefined;
  return {
    cloud: cloud.provider,
    region: cloud.region,
    systemNodesExpected: cloud.cluster.systemNodes.expected,
    pools: Object.fromEntries(
      gpuPools.map(({ name, nodes, capacity, gpusPerNode }) => [
        name,
        { expected: nodes.expected, firstRung: capacity[0] ?? "", gpusPerNode },
      ]),
    ),
    budget: { monthly: budget.monthly, usdPerUnit: budget.usdPerUnit },
    assumedUsdPerHour: budget.onUnknownPrice.kind === "assume" ? budget.onUnknownPrice.usdPerHour : {},
    assumedAsOf: budget.onUnknownPrice.kind === "assume" ? budget.onUnknownPrice.asOf : "",
  };
}
