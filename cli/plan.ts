import { join } from "node:path";
import { Command } from "commander";
import type { CostReport } from "../plan/cost.ts";
import { policyOf } from "../plan/policy.ts";
import { planStack, type StackPlan } from "../plan/stack-plan.ts";
import { resourceCount, typeCounts, type Plan } from "../plan/plan.ts";
import { writePlan } from "../plan/write.ts";
import { ASSUMED } from "../pricing/price.ts";
import { blocking, type PolicyReport } from "../policies/report.ts";
import { endingsOf, formatEnding } from "../stacks/schema/endings.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { asOfOption, EXIT, STACKS_FOLDER, print, printJson, progress } from "./context.ts";
import { policySummary } from "./policy.ts";
import { plainTable } from "./table.ts";
import { unusable } from "./unusable.ts";

interface PlanOptions {
  readonly stack: string;
  readonly json?: true;
  readonly out?: string;
  readonly asOf: string;
}

function resourceTable(plan: Plan): string {
  const rows = plainTable({ head: ["component", "type", "resources"] });
  for (const { name, type, resources } of plan.components)
    rows.push([
      name,
      type,
      typeCounts(resources)
        .map(([token, count]) => `${count} x ${token}`)
        .join("\n"),
    ]);
  return rows.toString();
}

/** The cost table: one row per resource that costs by the hour and per bounded use, monthly USD. */
export function costTable(cost: CostReport): string {
  const right = { hAlign: "right" } as const;
  const rows = plainTable({
    head: ["resource", "what", "minimum", "expected", "ceiling"],
    colAligns: ["left", "left", "right", "right", "right"],
  });
  for (const { name, what, monthlyUsd } of [...cost.lines, ...cost.use])
    rows.push([name, what, monthlyUsd.min, monthlyUsd.expected, monthlyUsd.max]);
  const { min, expected, max } = cost.monthlyUsd;
  rows.push([
    { content: "total, USD per month of 730 hours", colSpan: 2 },
    { content: min, ...right },
    { content: expected, ...right },
    { content: max, ...right },
  ]);
  return rows.toString();
}

function printCost(cost: CostReport): void {
  const assumed = [...cost.lines, ...cost.use].flatMap(({ prices }) =>
    Object.entries(prices)
      .filter(([, { source }]) => source === ASSUMED)
      .map(([sku]) => sku),
  );
  print("\nWhat it costs");
  print(costTable(cost));
  print(`Budget: ${cost.budgetUsd} USD per month; ceiling ${cost.monthlyUsd.max} USD: ${cost.verdict}`);
  print(`Assumed in the stack file, not list prices: ${[...new Set(assumed)].join(", ") || "none"}`);
  print(
    `Billed by use, in these figures only as far as budget.usage declares it: ${cost.byUse.join(", ") || "nothing"}`,
  );
}

/** What a common name means for the bill; nothing without one. */
function printRegions({ gateway: { entry } }: PlatformConfig): void {
  if (entry.kind === "none" || entry.common === undefined) return;
  const { hostname, regions } = entry.common;
  print(
    `One of ${regions.length} regions under ${hostname}: limits and budgets hold in each, so a client may use up to ${regions.length} times its own, and together they cost at worst the sum of their ceilings (\`llmops fleet plan\`)`,
  );
}

function printPlan(
  { plan, cost, notDeployed }: StackPlan,
  config: PlatformConfig,
  policy: PolicyReport,
): void {
  print(`Plan of stack ${plan.stack}: ${resourceCount(plan)} resources, nothing deployed`);
  print(resourceTable(plan));
  print(`Kubernetes objects: ${plan.manifests.length}; Helm releases: ${plan.helmReleases.length}`);
  if (cost !== undefined) printCost(cost);
  printRegions(config);
  print(`\n${policySummary(policy)}; \`llmops policy check -s ${plan.stack}\` lists them`);
  print(`\nValidated, but no component consumes it yet: ${notDeployed.join(", ")}`);
}

async function run(options: PlanOptions): Promise<void> {
  const config = readStack(STACKS_FOLDER, options.stack);
  const planned = await planStack(options.stack, config);
  const policy = policyOf({
    graph: planned.plan.graph,
    config,
    asOf: options.asOf,
  });
  if (options.out !== undefined) {
    writePlan(options.out, planned);
    progress(
      `wrote ${planned.plan.manifests.length} manifests, graph, diagram and cost to ${join(options.out)}`,
    );
  }
  const missing = unusable(config, planned.plan.graph, options.asOf);
  if (options.json === true)
    printJson({
      ...planned.plan,
      cost: planned.cost,
      policy,
      unusable: missing,
      notDeployed: planned.notDeployed,
    });
  else printPlan(planned, config, policy);
  const stopped = blocking(policy);
  for (const { control, message, remediation } of stopped)
    progress(`error: ${control}: ${message}. ${remediation}`);
  if (stopped.length > 0) process.exitCode = EXIT.findings;
  for (const ending of endingsOf(config, options.asOf))
    if (ending.state === "announced") progress(`warning: ${formatEnding(ending)}`);
  for (const text of missing) progress(`error: ${text}`);
  if (missing.length > 0) process.exitCode = EXIT.findings;
  if (planned.cost?.verdict === "over-budget") {
    progress(
      `error: the ceiling of ${planned.cost.monthlyUsd.max} USD per month is over the budget of ${planned.cost.budgetUsd} USD; lower gpuPools[].nodes.max or raise budget.monthly`,
    );
    process.exitCode = EXIT.findings;
  }
}

/** `llmops plan`: what a stack would create and cost, worked out offline. */
export function planCommand(): Command {
  return new Command("plan")
    .description("show what a stack would create and cost, without credentials, network or state")
    .requiredOption("-s, --stack <stack>", "stack to plan")
    .option("--out <folder>", "also write manifests, graph, diagram and cost there")
    .addOption(asOfOption())
    .option("--json", "print JSON")
    .action(run);
}
