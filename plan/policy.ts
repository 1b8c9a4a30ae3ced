import { evaluate } from "../policies/evaluate.ts";
import type { ControlContext } from "../policies/controls/control.ts";
import type { PolicyReport } from "../policies/report.ts";
import type { ResourceGraph } from "../graph/graph.ts";
import { EU_REGIONS } from "../stacks/schema/checks/residency.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import type { CostReport } from "./cost.ts";

function contextOf(config: PlatformConfig, cost: CostReport | undefined): ControlContext {
  const { cloud, riskClass, models, tenancy } = config;
  return {
    environment: config.environment,
    riskClass: riskClass.level,
    intendedPurpose: riskClass.intendedPurpose,
    owner: riskClass.owner,
    ...(cloud.provider === "local" ? {} : { region: cloud.region }),
    allowedRegions: EU_REGIONS,
    models: models.map(({ name }) => name),
    tenantGpus:
      cloud.provider === "local"
        ? {}
        : Object.fromEntries(tenancy.tenants.map(({ name, gpus }) => [name, gpus])),
    ...(cost === undefined
      ? {}
      : { cost: { ceilingUsd: Number(cost.monthlyUsd.max), budgetUsd: Number(cost.budgetUsd) } }),
  };
}

/**
 * Evaluates the controls on a captured graph.
 * @param asOf ISO time that decides which exemptions hold
 */
export function policyOf(
  graph: ResourceGraph,
  config: PlatformConfig,
  cost: CostReport | undefined,
  asOf: string,
): PolicyReport {
  return evaluate({ graph, context: contextOf(config, cost), exemptions: config.exemptions, asOf });
}
