import type { ResourceGraph } from "../graph/graph.ts";
import { platformProgram } from "../stacks/program.ts";
import { NOT_DEPLOYED, type PlatformConfig } from "../stacks/schema/platform.ts";
import { capture } from "./capture.ts";
import { costOptions } from "./cost-options.ts";
import { costOf, type CostReport } from "./cost.ts";
import { planOf, type Plan } from "./plan.ts";

/** Plan of a stack and what it costs. */
export interface StackPlan {
  readonly plan: Plan;
  /** Absent where nothing is rented: an existing cluster or this machine. */
  readonly cost: CostReport | undefined;
  /** Keys that are validated but not deployed yet. */
  readonly notDeployed: readonly string[];
}

/** Runs the stack's program under mocks; nothing is priced. */
export function graphOf(stack: string, config: PlatformConfig): Promise<ResourceGraph> {
  return capture({ stack, program: () => platformProgram(config) });
}

/**
 * Runs the stack's program under mocks and prices the result.
 * @throws UnknownPriceError when something has no price
 */
export async function planStack(stack: string, config: PlatformConfig): Promise<StackPlan> {
  const graph = await graphOf(stack, config);
  const options = costOptions(config);
  return {
    plan: planOf(graph),
    cost: options === undefined ? undefined : costOf(graph, options),
    notDeployed: NOT_DEPLOYED,
  };
}
