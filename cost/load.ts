import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { demandOf, type Demand, type TokenCapacity, type Traffic } from "./traffic.ts";

type Model = PlatformConfig["models"][number];

/** What arrives at a model, and what a replica of it takes. */
export interface ModelTraffic {
  readonly model: string;
  readonly traffic: Traffic;
  readonly capacity: TokenCapacity;
}

/** What a traffic makes of a model. */
export interface ModelDemand extends ModelTraffic {
  readonly demand: Demand;
  /** Nodes of each window. */
  readonly nodes: readonly number[];
}

function gpusPerNode({ gpuPools }: PlatformConfig, { gpu }: Model): number {
  return gpuPools.find(({ name }) => name === gpu.pool)?.gpusPerNode ?? 1;
}

/** Replicas and nodes of each model under its traffic. */
export function demandsOf(config: PlatformConfig, traffics: readonly ModelTraffic[]): ModelDemand[] {
  return traffics.flatMap((each): ModelDemand[] => {
    const model = config.models.find(({ name }) => name === each.model);
    if (model === undefined) return [];
    const demand = demandOf(each.traffic, each.capacity, model.autoscaling);
    const perNode = gpusPerNode(config, model);
    const nodes = demand.replicas.map((count) =>
      Math.ceil((count * model.gpu.tensorParallel * model.gpu.nodes) / perNode),
    );
    return [{ ...each, demand, nodes }];
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** The configuration with the ordinary day replaced by what traffics make of it; models without one keep theirs. */
export function underTraffic(config: PlatformConfig, demands: readonly ModelDemand[]): PlatformConfig {
  const demandFor = (name: string): ModelDemand | undefined => demands.find(({ model }) => model === name);
  const nodesOf = (model: Model): number => {
    const found = demandFor(model.name);
    return found === undefined
      ? Math.ceil(
          (model.autoscaling.expectedReplicas * model.gpu.tensorParallel * model.gpu.nodes) /
            gpusPerNode(config, model),
        )
      : mean(found.nodes);
  };
  return {
    ...config,
    models: config.models.map((model) => {
      const found = demandFor(model.name);
      return found === undefined
        ? model
        : {
            ...model,
            autoscaling: { ...model.autoscaling, expectedReplicas: found.demand.meanReplicas },
          };
    }),
    gpuPools: config.gpuPools.map((pool) => {
      const models = config.models.filter(({ gpu }) => gpu.pool === pool.name);
      if (!models.some(({ name }) => demandFor(name) !== undefined)) return pool;
      const nodes = models.reduce((sum, model) => sum + nodesOf(model), 0);
      return { ...pool, nodes: { ...pool.nodes, expected: Math.min(nodes, pool.nodes.max) } };
    }),
  };
}

/** The configuration with the load of its ordinary day multiplied, within what each scaler and declared quantity allows. */
export function underLoad(config: PlatformConfig, factor: number): PlatformConfig {
  const usage = Object.fromEntries(
    Object.entries(config.budget.usage).flatMap(([key, range]) =>
      range === undefined
        ? []
        : [[key, { ...range, expected: Math.min(range.max, range.expected * factor) }]],
    ),
  );
  return {
    ...config,
    models: config.models.map((model) => {
      const { minReplicas, expectedReplicas, maxReplicas } = model.autoscaling;
      const expected = Math.min(maxReplicas, Math.max(minReplicas, Math.ceil(expectedReplicas * factor)));
      return { ...model, autoscaling: { ...model.autoscaling, expectedReplicas: expected } };
    }),
    gpuPools: config.gpuPools.map((pool) => ({
      ...pool,
      nodes: {
        ...pool.nodes,
        expected: Math.min(pool.nodes.max, Math.ceil(pool.nodes.expected * factor)),
      },
    })),
    budget: { ...config.budget, usage },
  };
}
