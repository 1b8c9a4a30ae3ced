import { evaluationSpend } from "../stacks/evaluation-spend.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import type { CostOptions } from "./cost.ts";
import type { DeclaredUse } from "./use.ts";

/** Quantities of a month that the stack file declares. */
function usageOf(usage: PlatformConfig["budget"]["usage"]): DeclaredUse[] {
  const {
    egressGiB,
    natGiB,
    logGiB,
    flowLogGiB,
    objectStorageGiB,
    balancerGiB,
    metricMillionSamples,
    sharedFileGiB,
  } = usage;
  const declared = [
    ["egress-gib", egressGiB],
    ["nat-gib", natGiB],
    ["log-gib", logGiB],
    ["flow-log-gib", flowLogGiB],
    ["object-gib-month", objectStorageGiB],
    ["balancer-gib", balancerGiB],
    ["metric-million-samples", metricMillionSamples],
    ["shared-file-io-gib", sharedFileGiB],
  ] as const;
  return declared.flatMap(([service, range]) => (range === undefined ? [] : [{ service, ...range }]));
}

/** Nodes of a pool that hold every model's least replicas. */
function floorOf({ models, gpuPools }: PlatformConfig, pool: string): number {
  const gpusPerNode = gpuPools.find(({ name }) => name === pool)?.gpusPerNode ?? 1;
  const gpus = models
    .filter(({ gpu }) => gpu.pool === pool)
    .reduce((sum, { autoscaling, gpu }) => sum + autoscaling.minReplicas * gpu.tensorParallel * gpu.nodes, 0);
  return Math.ceil(gpus / gpusPerNode);
}

/** What pricing needs besides the graph; undefined where nothing is rented. */
export function costOptions(config: PlatformConfig): CostOptions | undefined {
  const { cloud, budget, gpuPools, providers } = config;
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return undefined;
  const evaluations = evaluationSpend(config);
  return {
    cloud: cloud.provider,
    region: cloud.region,
    systemNodesExpected: cloud.cluster.systemNodes.expected,
    pools: Object.fromEntries(
      gpuPools.map(({ name, nodes, capacity, gpusPerNode }) => [
        name,
        {
          floor: floorOf(config, name),
          expected: nodes.expected,
          firstRung: capacity[0] ?? "",
          gpusPerNode,
        },
      ]),
    ),
    budget: { monthly: budget.monthly, usdPerUnit: budget.usdPerUnit },
    usage: usageOf(budget.usage),
    providers: providers.map(({ name, monthlyCapUsd }) => ({ name, monthlyCapUsd })),
    ...(evaluations === undefined ? {} : { evaluations }),
    assumed:
      budget.onUnknownPrice.kind === "assume"
        ? budget.onUnknownPrice
        : { usdPerHour: {}, usdPerUnit: {}, asOf: "" },
  };
}
