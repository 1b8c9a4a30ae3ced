import { Decimal } from "decimal.js";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { DEFAULT_OUTPUT_WEIGHT, type AccountedPool } from "../components/finops/accounting-rules.ts";
import { CostAccounting } from "../components/finops/cost-accounting.ts";
import { OpenCost } from "../components/finops/open-cost.ts";
import { MONITORING_NAMESPACE } from "../components/observability/address.ts";
import { engineGauges } from "../components/serving/engine-metrics.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { pricedPools } from "./gpu-pool-prices.ts";
import { pipelineFileOf } from "./pipeline.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { servedNames } from "./schema/served-names.ts";

type Pool = PlatformConfig["gpuPools"][number];

/** GPUs a node shows to pods: a shared one several times, MIG slices under other names. */
function offeredGpus({ gpusPerNode, sharing }: Pool): number {
  return sharing.kind === "time-slicing" ? gpusPerNode * sharing.replicas : gpusPerNode;
}

function accountedPools(config: PlatformConfig): AccountedPool[] {
  return pricedPools(config).map(({ pool, usdPerHour }) => ({
    name: pool.name,
    usdPerHour,
    gpusPerNode: offeredGpus(pool),
  }));
}

/** Dearest GPU of the pools, USD/h: OpenCost knows one price, and this one charges nobody too little. */
function dearestGpu(pools: readonly AccountedPool[]): number | undefined {
  const prices = pools.map(({ usdPerHour, gpusPerNode }) => new Decimal(usdPerHour).dividedBy(gpusPerNode));
  return prices.length === 0 ? undefined : Decimal.max(...prices).toNumber();
}

/** Cost by the hour and client, and the month's budget, from the metrics of the environment. */
export function deployCostAccounting(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  { monitoring }: Pick<ClusterServices, "monitoring">,
): void {
  const { budget, models, gateway } = config;
  const pools = accountedPools(config);
  new CostAccounting(
    `${name}-cost-accounting`,
    {
      namespace: MONITORING_NAMESPACE,
      runbooks: pipelineFileOf(config).runbooks,
      budgetUsd: budget.monthly * budget.usdPerUnit,
      pools,
      models: models.map((model) => {
        const { capacity } = model.autoscaling;
        const prefixCache = engineGauges(model.engine)?.prefixCache;
        return {
          name: model.name,
          namespace: model.tenant,
          pool: model.gpu.pool,
          servedNames: servedNames(model),
          outputWeight:
            capacity === undefined
              ? DEFAULT_OUTPUT_WEIGHT
              : capacity.inputTokensPerSecond / capacity.outputTokensPerSecond,
          ...(prefixCache === undefined ? {} : { prefixCache }),
        };
      }),
      clients: gateway.clients.map(({ id, tenant }) => ({ id, tenant })),
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: monitoring.chart },
  );
  const usdPerGpuHour = dearestGpu(pools);
  if (budget.allocation === "opencost" && usdPerGpuHour !== undefined)
    new OpenCost(
      `${name}-opencost`,
      { clusterName: name, usdPerGpuHour, modelLabel: "llmops.io/model" },
      { providers: { kubernetes: cluster.provider }, dependsOn: monitoring.chart },
    );
}
