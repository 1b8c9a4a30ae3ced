import { priceOf } from "../pricing/catalog.ts";
import { machineSku } from "../pricing/price.ts";
import { instanceTypeOf } from "./clouds/gpu-pools.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** A GPU pool with the price of one of its nodes. */
export interface PricedPool {
  readonly pool: PlatformConfig["gpuPools"][number];
  /** List price on demand, or the one the stack file assumes, USD/h as a decimal number in text. */
  readonly usdPerHour: string;
}

/** GPU pools whose nodes have a price; those of a cluster that somebody else pays for have none. */
export function pricedPools({ cloud, gpuPools, budget }: PlatformConfig): PricedPool[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const assumed = budget.onUnknownPrice.kind === "assume" ? budget.onUnknownPrice.usdPerHour : {};
  return gpuPools.flatMap((pool) => {
    const instanceType = instanceTypeOf(pool, cloud.provider);
    const sku = machineSku(cloud.provider, cloud.region, instanceType, "on-demand");
    const price = priceOf(sku)?.usdPerHour ?? assumed[sku];
    return price === undefined ? [] : [{ pool, usdPerHour: String(price) }];
  });
}
