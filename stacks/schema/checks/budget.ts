import { absurdity, skuParts } from "../../../pricing/sanity.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { problem, type Check } from "./check.ts";

function assumedPrices({ budget }: PlatformConfig): ConfigProblem[] {
  const { onUnknownPrice } = budget;
  if (onUnknownPrice.kind !== "assume") return [];
  const lists = [
    ["usdPerHour", "hourly", "hour"],
    ["usdPerUnit", "use", "unit"],
  ] as const;
  return lists.flatMap(([list, kind, per]) =>
    Object.entries(onUnknownPrice[list]).flatMap(([sku, usd]) => {
      const path = ["budget", "onUnknownPrice", list, sku];
      if (skuParts(sku)?.kind !== kind)
        return [
          problem(
            path,
            usd,
            `'${sku}' is the key of nothing that is priced per ${per}`,
            "copy the key from the error that asked for the price",
          ),
        ];
      const absurd = absurdity(sku, usd);
      return absurd === undefined ? [] : [problem(path, usd, absurd, "ask the provider for the list price")];
    }),
  );
}

function usageRange({ budget }: PlatformConfig): ConfigProblem[] {
  return Object.entries(budget.usage).flatMap(([key, range]) =>
    range === undefined || range.expected <= range.max
      ? []
      : [
          problem(
            ["budget", "usage", key, "expected"],
            range.expected,
            `more is expected than the most of ${range.max}`,
            "raise max or lower expected",
          ),
        ],
  );
}

function allocationNeedsPrices({ budget, cloud, gpuPools }: PlatformConfig): ConfigProblem[] {
  if (budget.allocation === "none") return [];
  const isRented = cloud.provider === "aws" || cloud.provider === "gcp";
  if (isRented && gpuPools.length > 0) return [];
  return [
    problem(
      ["budget", "allocation"],
      budget.allocation,
      isRented
        ? "there is no GPU pool whose cost could be split"
        : "nobody knows the prices of this cluster's GPUs, and OpenCost's own would be far off",
      "set it to none",
    ),
  ];
}

/** Rules over what may be spent. */
export const budgetChecks: readonly Check[] = [
  { needs: ["budget"], run: assumedPrices },
  { needs: ["budget"], run: usageRange },
  { needs: ["budget", "cloud", "gpuPools"], run: allocationNeedsPrices },
];
