import { resourceCount } from "../../plan/plan.ts";
import { policyOf } from "../../plan/policy.ts";
import { planStack } from "../../plan/stack-plan.ts";
import { blocking } from "../../policies/report.ts";
import { ConfigError, readStack } from "../../stacks/schema/stack-file.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { unusable } from "../unusable.ts";
import type { Outcome } from "./outcome.ts";

function commonName({
  client,
  cloud,
  gateway: { entry },
}: PlatformConfig): Pick<Extract<Outcome, { kind: "planned" }>, "commonName"> {
  if (entry.kind === "none" || entry.common === undefined || cloud.provider === "local") return {};
  const { hostname, regions, record } = entry.common;
  return { commonName: { hostname, client, region: cloud.region, regions, record: record.kind } };
}

/** Plans, prices and checks one stack; what is wrong with it is its outcome, not an end of the run. */
export async function outcomeOf(folder: string, stack: string, asOf: string): Promise<Outcome> {
  const started = performance.now();
  try {
    const config = readStack(folder, stack);
    const { plan, cost } = await planStack(stack, config);
    const policy = policyOf({ graph: plan.graph, config, asOf });
    return {
      kind: "planned",
      stack,
      resources: resourceCount(plan),
      ...(cost === undefined ? {} : { monthlyUsd: cost.monthlyUsd }),
      verdict: cost?.verdict ?? "nothing-rented",
      blocking: blocking(policy).map(({ control, message }) => `${control}: ${message}`),
      unusable: unusable(config, plan.graph, asOf),
      ...commonName(config),
      wallMs: Math.round(performance.now() - started),
    };
  } catch (error) {
    if (error instanceof ConfigError) return { kind: "refused", stack, reason: error.message };
    return { kind: "failed", stack, reason: error instanceof Error ? error.message : String(error) };
  }
}
