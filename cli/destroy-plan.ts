import { Command } from "commander";
import { typeCounts } from "../plan/plan.ts";
import { planStack } from "../plan/stack-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { teardownOf, type Teardown } from "../teardown/teardown.ts";
import { asOfOption, EXIT, STACKS_FOLDER, print, printJson, progress } from "./context.ts";
import { plainTable } from "./table.ts";

interface DestroyPlanOptions {
  readonly stack: string;
  readonly json?: true;
  readonly asOf: string;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const made = plainTable({ head: [...head] });
  for (const row of rows) made.push([...row]);
  return made.toString();
}

function waveTable({ waves }: Teardown): string {
  return table(
    ["wave", "resources", "types"],
    waves.map(({ number, resources }) => {
      const going = resources.filter(({ fate }) => fate.kind !== "kept");
      return [
        number,
        going.length,
        typeCounts(going)
          .map(([type, count]) => `${count} x ${type}`)
          .join("\n"),
      ];
    }),
  );
}

function keptTable({ kept }: Teardown): string {
  return table(
    ["kept", "until", "why", "with settings"],
    kept.map(({ name, until, why, urns }) => [name, until, why, urns.length - 1]),
  );
}

function printUpkeep({ upkeep }: Teardown): void {
  if (upkeep === undefined) {
    print("Nothing is rented, so nothing that is kept costs.");
    return;
  }
  const { min, expected, max } = upkeep.monthlyUsd;
  print(`What is kept goes on costing ${min} to ${max} USD per month, ${expected} expected:`);
  for (const { name, what, monthlyUsd } of upkeep.lines)
    print(`  ${name}: ${what}: ${monthlyUsd.min} to ${monthlyUsd.max}`);
  for (const each of upkeep.unknown) print(`  unknown, in no figure: ${each}`);
}

function printTeardown(teardown: Teardown): void {
  const { stack, asOf, kept, scheduled, lost, forgotten, obstacles, steps } = teardown;
  print(`Teardown of stack ${stack} on ${asOf}, worked out from its plan: nothing was read or deleted`);
  print("\nDeleted, dependants first");
  print(waveTable(teardown));
  print(kept.length === 0 ? "\nNothing is kept" : `\n${keptTable(teardown)}`);
  printUpkeep(teardown);
  for (const { name, fate } of scheduled)
    print(`Gone for good on ${fate.until}, until then it can be taken back: ${name}: ${fate.what}`);
  for (const { name, fate } of lost) print(`Lost: ${name}: ${fate.what}`);
  for (const { name, fate } of forgotten) print(`Forgotten: ${name}: ${fate.what}`);
  print("\nIn the way");
  for (const { kind, resource, what, fix } of obstacles)
    print(`  ${kind}: ${resource.split("::").at(-1) ?? resource}: ${what}\n      ${fix}`);
  print("\nBy hand, in this order");
  steps.forEach(({ what, commands }, index) => {
    print(`${index + 1}. ${what}`);
    for (const command of commands) print(`     ${command}`);
  });
}

async function run({ stack, json, asOf }: DestroyPlanOptions): Promise<void> {
  progress(`planning ${stack} ...`);
  const { plan, cost } = await planStack(stack, readStack(STACKS_FOLDER, stack));
  const teardown = teardownOf(plan.graph, cost, asOf);
  if (json === true) printJson(teardown);
  else printTeardown(teardown);
  const stops = teardown.obstacles.filter(({ kind }) => kind !== "unseen");
  if (stops.length === 0) return;
  progress(`error: ${stops.length} obstacles block the teardown or are unknown`);
  process.exitCode = EXIT.findings;
}

/** `llmops destroy-plan`: what a teardown deletes, keeps, loses and needs a person for. */
export function destroyPlanCommand(): Command {
  return new Command("destroy-plan")
    .description(
      "show what destroying a stack would delete, keep, lose and cost afterwards, and what stops it",
    )
    .requiredOption("-s, --stack <stack>", "stack to destroy")
    .addOption(asOfOption())
    .option("--json", "print JSON")
    .action(run);
}
