import { compilePipeline } from "../monitoring/compile.ts";
import type { CompiledPipeline } from "../monitoring/compiled.ts";
import type { Pipeline } from "../monitoring/schema.ts";
import { priceOf } from "../pricing/catalog.ts";
import { machineSku } from "../pricing/price.ts";
import { gpuPoolOf } from "./clouds/gpu-pools.ts";
import { readPipeline } from "./schema/pipeline-file.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { ConfigError } from "./schema/stack-file.ts";

/** Price of a node of each GPU pool, USD/h; pools of a cluster that somebody else pays for have none. */
function pricedPools({ cloud, gpuPools, budget }: PlatformConfig): { name: string; usdPerHour: string }[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const assumed = budget.onUnknownPrice.kind === "assume" ? budget.onUnknownPrice.usdPerHour : {};
  return gpuPools.flatMap((pool) => {
    const { instanceType } = gpuPoolOf(pool, cloud.provider, cloud.zones);
    const sku = machineSku(cloud.provider, cloud.region, instanceType, "on-demand");
    const price = priceOf(sku)?.usdPerHour ?? assumed[sku];
    return price === undefined ? [] : [{ name: pool.name, usdPerHour: String(price) }];
  });
}

/**
 * The pipeline file of an environment.
 * @throws ConfigError when the file it names is missing or invalid
 */
export function pipelineFileOf({ observability }: PlatformConfig): Pipeline {
  const result = readPipeline(observability.pipeline);
  if (result.kind === "invalid") throw new ConfigError(result.problems);
  return result.pipeline;
}

/**
 * The compiled pipeline file of an environment.
 * @throws ConfigError when the file it names is missing or invalid
 */
export function pipelineOf(config: PlatformConfig): CompiledPipeline {
  return compilePipeline(pipelineFileOf(config), {
    budgetUsd: config.budget.monthly * config.budget.usdPerUnit,
    pools: pricedPools(config),
    models: config.models.map(({ name, slo }) => ({
      name,
      ttftP95Seconds: slo.ttftP95Ms / 1000,
      e2eP99Seconds: slo.e2eP99Ms / 1000,
    })),
  });
}
