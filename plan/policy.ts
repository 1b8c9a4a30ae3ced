import type { ResourceGraph } from "../graph/graph.ts";
import type { Provenance } from "../pricing/price.ts";
import type {
  Control,
  ControlContext,
  KnownCost,
  Platform,
  PriceUsed,
} from "../policies/controls/control.ts";
import { evaluate } from "../policies/evaluate.ts";
import type { PolicyReport } from "../policies/report.ts";
import { answersOf } from "../stacks/answers.ts";
import { EU_REGIONS } from "../stacks/schema/checks/residency.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { costOptions } from "./cost-options.ts";
import { costOf, UnknownPriceError, type CostReport } from "./cost.ts";
import { UnclassifiedResourceError, UnmeterableResourceError } from "./metering.ts";

type Model = PlatformConfig["models"][number];

/** Exact content of a model: a declaration about another one does not count. */
export function modelSubject({ name, source }: Pick<Model, "name" | "source">): string {
  return `${name}@${source.kind === "hub" ? source.revision : source.digest}`;
}

function pricesOf({ lines, use }: CostReport): PriceUsed[] {
  const used = new Map(
    [...lines, ...use].flatMap(({ prices }) =>
      Object.entries<Provenance>(prices).map(
        ([sku, { source, asOf }]) => [sku, { sku, source, asOf }] as const,
      ),
    ),
  );
  return [...used.values()].sort((a, b) => (a.sku < b.sku ? -1 : 1));
}

/** Cost of a graph as controls see it; what cannot be priced is said, not guessed. */
export function knownCost(graph: ResourceGraph, config: PlatformConfig): KnownCost {
  const options = costOptions(config);
  if (options === undefined) return { kind: "nothing-rented" };
  try {
    const cost = costOf(graph, options);
    return {
      kind: "figures",
      ceilingUsd: Number(cost.monthlyUsd.max),
      budgetUsd: Number(cost.budgetUsd),
      prices: pricesOf(cost),
    };
  } catch (error) {
    if (
      error instanceof UnknownPriceError ||
      error instanceof UnclassifiedResourceError ||
      error instanceof UnmeterableResourceError
    )
      return { kind: "not-computed", reason: error.message.split("\n")[0] ?? error.name };
    throw error;
  }
}

function contextOf(config: PlatformConfig, cost: KnownCost, asOf: string): ControlContext {
  const { cloud, riskClass, models, providers, tenancy, budget } = config;
  const { intendedPurpose, owner, publicService, interactsWithPeople, generates, decisions } = riskClass;
  return {
    environment: config.environment,
    asOf,
    riskClass: riskClass.level,
    intendedPurpose,
    owner,
    ...(riskClass.annexIII === undefined ? {} : { annexIII: riskClass.annexIII }),
    publicService,
    interactsWithPeople,
    generates,
    decisions,
    biometricIdentification: riskClass.biometricIdentification,
    ...(cloud.provider === "local" ? {} : { region: cloud.region }),
    allowedRegions: config.residency === undefined ? EU_REGIONS : new Set(config.residency.regions),
    models: models.map((model) => ({
      name: model.name,
      subject: modelSubject(model),
      answers: answersOf(model).map(({ name, weights }) => ({ name, weights })),
    })),
    providers: providers.map(({ name, region, dataProcessingAgreement, trainingUse }) => ({
      name,
      region,
      agreement: dataProcessingAgreement,
      trainingUse,
    })),
    evaluationMaxAgeDays: config.evaluation.maxAgeDays,
    tenantGpus:
      cloud.provider === "local"
        ? {}
        : Object.fromEntries(tenancy.tenants.map(({ name, gpus }) => [name, gpus])),
    budget: {
      owner: budget.owner,
      currency: budget.currency,
      usdPerUnit: budget.usdPerUnit,
      ...(budget.rateAsOf === undefined ? {} : { rateAsOf: budget.rateAsOf }),
      maxPriceAgeDays: budget.maxPriceAgeDays,
    },
    cost,
  };
}

/** What is judged. */
export interface PolicyInput {
  readonly graph: ResourceGraph;
  readonly config: PlatformConfig;
  /** ISO time that decides which exemptions and declarations hold. */
  readonly asOf: string;
  /** @default the whole catalogue */
  readonly controls?: readonly Control[];
  /** Platforms the graph does not show. @default none */
  readonly unseen?: ReadonlySet<Platform>;
}

/** Evaluates the controls on a graph with what its stack file declares. */
export function policyOf({ graph, config, asOf, controls, unseen }: PolicyInput): PolicyReport {
  return evaluate({
    graph,
    context: contextOf(config, knownCost(graph, config), asOf),
    exemptions: config.exemptions,
    attestations: config.attestations,
    asOf,
    ...(controls === undefined ? {} : { controls }),
    ...(unseen === undefined ? {} : { unseen }),
  });
}
