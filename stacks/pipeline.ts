import { compilePipeline } from "../monitoring/compile.ts";
import type { CompiledPipeline } from "../monitoring/compiled.ts";
import type { Pipeline } from "../monitoring/schema.ts";
import { pricedPools } from "./gpu-pool-prices.ts";
import { readPipeline } from "./schema/pipeline-file.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { ConfigError } from "./schema/stack-file.ts";

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
  const { runner } = config.evaluation;
  return compilePipeline(pipelineFileOf(config), {
    budgetUsd: config.budget.monthly * config.budget.usdPerUnit,
    pools: pricedPools(config).map(({ pool, usdPerHour }) => ({ name: pool.name, usdPerHour })),
    models: config.models.map(({ name, slo }) => ({
      name,
      ttftP95Seconds: slo.ttftP95Ms / 1000,
      e2eP99Seconds: slo.e2eP99Ms / 1000,
    })),
    ...(runner.kind === "none" ? {} : { evaluationClient: runner.client }),
  });
}
