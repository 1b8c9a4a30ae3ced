import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { planStack, type StackPlan } from "../stack-plan.ts";

/** The real one, also while `sharedPlan` stands in its place. */
const plan = planStack;

const plans = new Map<string, Promise<StackPlan>>();

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

/** Plan of a stack, made once for all suites of a worker; nobody can change what the others read. */
export function sharedPlan(stack: string, config: PlatformConfig): Promise<StackPlan> {
  const key = JSON.stringify([stack, config]);
  const known = plans.get(key) ?? plan(stack, config).then(frozen);
  plans.set(key, known);
  return known;
}
