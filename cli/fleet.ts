import { resolve } from "node:path";
import { Command } from "commander";
import { Decimal } from "decimal.js";
import { stackNames, UnknownStackError } from "../stacks/schema/stack-file.ts";
import { asOfOption, EXIT, STACKS_FOLDER, print, printJson, progress } from "./context.ts";
import { commonCosts, contradictions } from "./fleet/common-name.ts";
import { planFleet } from "./fleet/pool.ts";
import type { Outcome } from "./fleet/outcome.ts";
import { wholeNumberFrom } from "./number-options.ts";
import { plainTable } from "./table.ts";

interface FleetOptions {
  readonly stack?: readonly string[];
  readonly workers: number;
  readonly asOf: string;
  readonly json?: true;
}

/** Most processes at the same time: each takes about half a GiB. */
const MOST_WORKERS = 16;

/** What stops a stack of the fleet, in short; empty when nothing does. */
function troubles(outcome: Outcome, all: readonly Outcome[]): string[] {
  switch (outcome.kind) {
    case "refused":
      return ["its configuration is invalid"];
    case "failed":
      return [outcome.reason.split("\n")[0] ?? ""];
    case "planned":
      return [
        ...(outcome.verdict === "over-budget" ? ["over its budget"] : []),
        ...(outcome.blocking.length > 0 ? [`${outcome.blocking.length} mandatory findings`] : []),
        ...outcome.unusable,
        ...contradictions(outcome, all),
      ];
  }
}

function total(outcomes: readonly Outcome[], pick: "min" | "expected" | "max"): string {
  return outcomes
    .reduce(
      (sum, outcome) => (outcome.kind === "planned" ? sum.plus(outcome.monthlyUsd?.[pick] ?? 0) : sum),
      new Decimal(0),
    )
    .toFixed(2);
}

function tableOf(outcomes: readonly Outcome[]): string {
  const rows = plainTable({
    head: ["stack", "resources", "minimum", "expected", "ceiling", "stopped by"],
    colAligns: ["left", "right", "right", "right", "right", "left"],
  });
  for (const outcome of outcomes) {
    const cost = outcome.kind === "planned" ? outcome.monthlyUsd : undefined;
    rows.push([
      outcome.stack,
      outcome.kind === "planned" ? outcome.resources : "-",
      cost?.min ?? "-",
      cost?.expected ?? "-",
      cost?.max ?? "-",
      troubles(outcome, outcomes).join("; "),
    ]);
  }
  return rows.toString();
}

/** Names in a folder, or those that were asked for. */
function chosen(folder: string, wanted: readonly string[] | undefined): string[] {
  const names = stackNames(folder);
  const unknown = (wanted ?? []).filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new UnknownStackError(`${folder} has no stack ${unknown.join(", ")}; stacks: ${names.join(", ")}`);
  const found = names.filter((name) => wanted?.includes(name) ?? true);
  if (found.length === 0) throw new UnknownStackError(`${folder} has no file Pulumi.<stack>.yaml`);
  return found;
}

async function plan(directory: string, { stack, workers, asOf, json }: FleetOptions): Promise<void> {
  const folder = resolve(directory);
  const stacks = chosen(folder, stack);
  const { outcomes, workerRssMiB } = await planFleet({
    folder,
    stacks,
    asOf,
    workers,
    onOutcome: (outcome, done) => {
      if (outcome.kind === "refused") progress(outcome.reason);
      progress(`${done}/${stacks.length} ${outcome.stack}: ${troubles(outcome, []).join("; ") || "fine"}`);
    },
  });
  const stopped = outcomes.filter((outcome) => troubles(outcome, outcomes).length > 0);
  const monthlyUsd = {
    min: total(outcomes, "min"),
    expected: total(outcomes, "expected"),
    max: total(outcomes, "max"),
  };
  const commonNames = commonCosts(outcomes);
  if (json === true)
    printJson({
      stacks: outcomes,
      monthlyUsd,
      commonNames,
      stopped: stopped.map((each) => each.stack),
      workerRssMiB,
    });
  else {
    print(tableOf(outcomes));
    print(
      `${outcomes.length} stacks, ${stopped.length} stopped; USD a month of those that were planned: ${monthlyUsd.min} to ${monthlyUsd.max}, ${monthlyUsd.expected} expected`,
    );
    for (const { hostname, stacks: members, absent, ceilingUsd } of commonNames)
      print(
        `${hostname} is answered by ${members.join(", ")}: limits and budgets hold in each, so together at worst ${ceilingUsd} USD a month${absent.length === 0 ? "" : `, and what ${absent.join(", ")} costs, which no stack here is in`}`,
      );
  }
  if (stopped.length > 0) process.exitCode = EXIT.findings;
  if (outcomes.some(({ kind }) => kind === "failed")) process.exitCode = EXIT.failure;
}

/** `llmops fleet`: many stacks in one run. */
export function fleetCommand(): Command {
  const command = new Command("fleet").description("work on many stacks in one run");
  command
    .command("plan [folder]")
    .description(
      "plan, price and check every stack of a folder, a few per process; exit code 1 when one is stopped",
    )
    .option("-s, --stack <stack...>", "only these stacks")
    .option("--workers <n>", "processes at the same time", wholeNumberFrom(1, MOST_WORKERS), 1)
    .addOption(asOfOption())
    .option("--json", "print JSON")
    .action((folder: string | undefined, options: FleetOptions) => plan(folder ?? STACKS_FOLDER, options));
  return command;
}
