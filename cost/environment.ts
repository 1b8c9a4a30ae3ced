import type { ResourceGraph } from "../graph/graph.ts";
import { costOptions } from "../plan/cost-options.ts";
import { costOf, type CostReport } from "../plan/cost.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { byClient, byComponent, byModel, type Part } from "./breakdown.ts";
import { commitmentFor, poolPrices, spotCost, type Commitment, type SpotCost } from "./commitments.ts";
import { demandsOf, underLoad, underTraffic, type ModelDemand, type ModelTraffic } from "./load.ts";
import { leversOf, type LeverState } from "./levers.ts";
import { replicaCapacity } from "./replica-capacity.ts";
import { afterRouting } from "./routing.ts";
import { sensitivityOf, type SensitivityRow } from "./sensitivity.ts";
import { monthOf, scaledBy, TrafficError, type MeanRequest, type Traffic, type Window } from "./traffic.ts";
import { unitCostsOf, type ModelUnitCosts } from "./unit-cost.ts";

/** What a traffic makes of a model in a month. */
export interface TrafficCost {
  readonly model: string;
  /** File it was read from. */
  readonly traffic: string;
  readonly month: Window;
  readonly meanReplicas: number;
  readonly peakReplicas: number;
  /** Share of the replicas' capacity that is used. */
  readonly utilisation: number;
  /** Share of the time that needs more than the most replicas. */
  readonly overload: number;
  /** Share of the traffic that the replicas can serve. */
  readonly served: number;
  /** Expected cost of the model over the requests it can serve, USD; absent without any. */
  readonly usdPerRequest?: string;
  readonly usdPerMillionTokens?: string;
}

/** Everything that is known about the cost of one environment. */
export interface EnvironmentCost {
  readonly stack: string;
  /** The client the environment belongs to. */
  readonly client: string;
  /** Stage. */
  readonly environment: string;
  readonly report: CostReport;
  readonly byComponent: readonly Part[];
  readonly byModel: readonly Part[];
  /** Clients of the gateway. */
  readonly byClient: readonly Part[];
  readonly traffic: readonly TrafficCost[];
  readonly unitCosts: readonly ModelUnitCosts[];
  /** Settings that make the same requests cost less, as the stack has them. */
  readonly levers: readonly LeverState[];
  readonly sensitivity: readonly SensitivityRow[];
  readonly commitments: readonly Commitment[];
  readonly spot: readonly SpotCost[];
}

/** What somebody asks about an environment. */
export interface CostQuestion {
  readonly stack: string;
  readonly config: PlatformConfig;
  readonly graph: ResourceGraph;
  /** Traffic by model. @default the ordinary day of the stack file */
  readonly traffic?: ReadonlyMap<string, Traffic>;
  /** Mean request that unit costs are for. */
  readonly request: MeanRequest;
  /** Share of the prompt that APIs find in their prompt cache, 0 to 1. @default 0 */
  readonly cachedShare?: number;
  /** Discount of a commitment, 0 to 1. @default none is worked out */
  readonly commitmentDiscount?: number;
  /** Paid minutes lost by an interruption of a spot node. */
  readonly interruptionMinutes: number;
  /** Whether to run the capacity model for unit costs: seconds per model. */
  readonly unitCosts: "computed" | "left-out";
}

/**
 * Turns traffic into replicas with the capacity of each model.
 * @throws TrafficError naming the model and why
 */
function trafficsOf({ config, traffic }: CostQuestion): ModelTraffic[] {
  return [...afterRouting(config, traffic ?? new Map<string, Traffic>())].map(([name, arriving]) => {
    const model = config.models.find((candidate) => candidate.name === name);
    if (model === undefined)
      throw new TrafficError(
        `--trace ${name}=...: the stack serves no such model; it has ${config.models.map((each) => each.name).join(", ") || "none"}`,
      );
    const { requests, inputTokens, outputTokens } = monthOf(arriving);
    if (requests === 0) throw new TrafficError(`--trace ${name}=${arriving.name}: holds no request`);
    const mean = { inputTokens: inputTokens / requests, outputTokens: outputTokens / requests };
    const capacity = replicaCapacity(model, config, mean, arriving.requests);
    if (capacity.kind === "unknown")
      throw new TrafficError(`--trace ${name}=${arriving.name}: ${capacity.reason}`);
    return { model: name, traffic: arriving, capacity };
  });
}

function trafficCosts(demands: readonly ModelDemand[], parts: readonly Part[]): TrafficCost[] {
  return demands.map(({ model, traffic, demand }) => {
    const month = monthOf(traffic);
    const usd = Number(parts.find(({ name }) => name === model)?.monthlyUsd.expected ?? 0);
    const requests = month.requests * demand.served;
    const tokens = (month.inputTokens + month.outputTokens) * demand.served;
    return {
      model,
      traffic: traffic.name,
      month,
      meanReplicas: demand.meanReplicas,
      peakReplicas: Math.max(...demand.replicas),
      utilisation: demand.utilisation,
      overload: demand.overload,
      served: demand.served,
      ...(requests === 0 ? {} : { usdPerRequest: (usd / requests).toPrecision(4) }),
      ...(tokens === 0 ? {} : { usdPerMillionTokens: ((usd / tokens) * 1e6).toPrecision(4) }),
    };
  });
}

function nodesOf(
  pool: PlatformConfig["gpuPools"][number],
  config: PlatformConfig,
  demands: readonly ModelDemand[],
): readonly number[] {
  const here = demands.filter(({ model }) =>
    config.models.some(({ name, gpu }) => name === model && gpu.pool === pool.name),
  );
  const [only] = here;
  return here.length === 1 && only !== undefined ? only.nodes : [pool.nodes.expected];
}

/**
 * Works out what an environment costs; undefined where nothing is rented.
 * @throws UnknownPriceError when something has no price; TrafficError when a traffic cannot be used
 */
export function environmentCost(question: CostQuestion): EnvironmentCost | undefined {
  const { stack, graph, commitmentDiscount, interruptionMinutes, request } = question;
  const traffics = trafficsOf(question);
  const demands = demandsOf(question.config, traffics);
  const config = underTraffic(question.config, demands);
  const options = costOptions(config);
  if (options === undefined) return undefined;
  const report = costOf(graph, options);
  const models = byModel(config, report);
  const underFactor = (factor: number): PlatformConfig => {
    const scaled = traffics.map((each) => ({ ...each, traffic: scaledBy(each.traffic, factor) }));
    return underTraffic(underLoad(question.config, factor), demandsOf(question.config, scaled));
  };
  const prices = poolPrices(report);
  return {
    stack,
    client: config.client,
    environment: config.environment,
    report,
    byComponent: byComponent(graph, report),
    byModel: models,
    byClient: byClient(config, models),
    traffic: trafficCosts(demands, models),
    unitCosts:
      question.unitCosts === "left-out"
        ? []
        : config.models.map((model) =>
            unitCostsOf(
              model,
              config,
              report.lines,
              replicaCapacity(model, config, request),
              request,
              question.cachedShare,
            ),
          ),
    levers: leversOf(question.config),
    sensitivity: sensitivityOf(graph, report, underFactor),
    commitments:
      commitmentDiscount === undefined
        ? []
        : config.gpuPools.flatMap((pool) => {
            const price = prices.get(pool.name);
            return price === undefined
              ? []
              : [
                  commitmentFor(
                    { pool: pool.name, nodes: nodesOf(pool, config, demands), onDemand: price.onDemand },
                    commitmentDiscount,
                  ),
                ];
          }),
    spot: [...prices].flatMap(([pool, { onDemand, spot }]) =>
      spot === undefined ? [] : [spotCost(pool, { onDemand, spot }, interruptionMinutes)],
    ),
  };
}
