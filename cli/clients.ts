import { Command } from "commander";
import { differences, type Difference } from "../clients/differences.ts";
import { writeAll } from "../clients/files.ts";
import { ForkError } from "../clients/fork-error.ts";
import { forksOf, stackOf, stacksOf, type ClientStack, type ForkedStack } from "../clients/repository.ts";
import { freshFork, platformIn, upgradeOf, type Upgrade } from "../clients/upgrade.ts";
import { showValue } from "../stacks/schema/problem.ts";
import { UnknownStackError } from "../stacks/schema/stack-file.ts";
import { EXIT, print, printJson, progress, repositoryOption, VERSION } from "./context.ts";
import { plainTable } from "./table.ts";

interface CommonOptions {
  readonly repository: string;
  readonly json?: true;
}

/** One environment of a client. */
interface Row {
  readonly client: string;
  readonly stack: string;
  readonly environment: string;
  readonly cloud: string;
  readonly region: string;
  readonly budget: string;
  /** Version of the blueprint it was last merged with; null for a stack that nobody forked. */
  readonly blueprint: string | null;
  readonly from: string | null;
}

function rowOf({ stack, config, record }: ClientStack): Row {
  const { client, environment, cloud, budget } = config;
  return {
    client,
    stack,
    environment,
    cloud: cloud.provider,
    region: cloud.provider === "local" ? "-" : cloud.region,
    budget: `${budget.monthly} ${budget.currency}`,
    blueprint: record?.blueprint ?? null,
    from: record?.from ?? null,
  };
}

function list({ repository, json }: CommonOptions): void {
  const rows = stacksOf(repository)
    .map(rowOf)
    .sort((a, b) => (`${a.client} ${a.stack}` < `${b.client} ${b.stack}` ? -1 : 1));
  if (json === true) {
    printJson(rows);
    return;
  }
  const table = plainTable({
    head: ["client", "environment", "stack", "cloud", "region", "budget a month", "blueprint", "forked from"],
  });
  for (const { client, environment, stack, cloud, region, budget, blueprint, from } of rows)
    table.push([
      client,
      environment,
      stack,
      cloud,
      region,
      budget,
      blueprint ?? `${VERSION} (its own)`,
      from ?? "-",
    ]);
  print(table.toString());
}

/** How a fork and its template went apart. */
interface Apart {
  readonly stack: string;
  readonly from: string;
  /** What the client changed since the last merge. */
  readonly client: readonly Difference[];
  /** What the template changed since. */
  readonly template: readonly Difference[];
}

async function apart(root: string, stacks: readonly ClientStack[], fork: ForkedStack): Promise<Apart> {
  const { text } = await freshFork(root, stacks, fork);
  const base = platformIn(fork.record.base);
  return {
    stack: fork.stack,
    from: fork.record.from,
    client: differences(base, platformIn(fork.text)),
    template: differences(base, platformIn(text)),
  };
}

function printDifferences(title: string, found: readonly Difference[]): void {
  print(`\n${title}${found.length === 0 ? ": nothing" : ""}`);
  if (found.length === 0) return;
  const table = plainTable({ head: ["key", "then", "now"] });
  for (const { key, from, to } of found) table.push([key, showValue(from), showValue(to)]);
  print(table.toString());
}

async function diff(client: string, { repository, json }: CommonOptions): Promise<void> {
  const stacks = stacksOf(repository);
  const found: Apart[] = [];
  for (const fork of forksOf(stacks, client)) found.push(await apart(repository, stacks, fork));
  if (json === true) {
    printJson(found);
    return;
  }
  for (const { stack, from, client: own, template } of found) {
    printDifferences(`${stack}: changed by the client`, own);
    printDifferences(`${stack}: changed in ${from}, not merged yet`, template);
  }
}

interface UpgradeOptions extends CommonOptions {
  readonly all?: true;
  readonly stack?: string;
  readonly keep: readonly string[];
  readonly take: readonly string[];
  readonly dryRun?: true;
}

function forksFor(
  stacks: readonly ClientStack[],
  client: string | undefined,
  options: UpgradeOptions,
): ForkedStack[] {
  const { all, stack, keep, take } = options;
  if ((client === undefined) === (all === undefined))
    throw new ForkError("name a client, or give --all for every client that was forked");
  const forks =
    client === undefined
      ? stacks.flatMap((each) => (each.record === undefined ? [] : [{ ...each, record: each.record }]))
      : forksOf(stacks, client).filter((each) => stack === undefined || each.stack === stack);
  if (forks.length === 0)
    throw new ForkError(
      stack === undefined
        ? "no stack was made by `llmops fork` yet"
        : `client '${client ?? ""}' has no forked stack '${stack}'`,
    );
  if (forks.length > 1 && keep.length + take.length > 0)
    throw new ForkError("--keep and --take decide about one stack: name the client and --stack");
  return forks;
}

/** What became of one stack, or why nothing did. */
type Outcome =
  | Upgrade
  | { readonly kind: "failed"; readonly stack: string; readonly reason: string }
  /** Nothing is written in a dry run, so nobody can tell what a template that would change brings. */
  | { readonly kind: "waits"; readonly stack: string; readonly template: string };

function report(upgrade: Outcome, isWritten: boolean): void {
  const { stack } = upgrade;
  switch (upgrade.kind) {
    case "current":
      print(`${stack}: up to date`);
      return;
    case "merged":
      printDifferences(`${stack}: ${isWritten ? "merged" : "would be merged"}`, upgrade.changes);
      if (isWritten) print(`wrote ${upgrade.files.map(({ path }) => path).join(", ")}`);
      return;
    case "waits":
      print(`${stack}: shown once ${upgrade.template}, its template, is merged`);
      return;
    case "failed":
      print(`${stack}: not merged, nothing was written`);
      return;
    case "conflicts":
      print(
        `\n${stack}: changed by both sides, nothing was written; decide each with --keep KEY or --take KEY`,
      );
      for (const { key, base, client, template } of upgrade.conflicts)
        print(
          `  ${key}: was ${showValue(base)}; client ${showValue(client)}, template ${showValue(template)}`,
        );
      return;
    case "invalid":
      print(`\n${stack}: the merged file would not be valid, nothing was written\n\n${upgrade.problems}`);
  }
}

/** An upgrade without the texts of its files. */
function summary(upgrade: Outcome): unknown {
  return upgrade.kind === "merged" ? { ...upgrade, files: upgrade.files.map(({ path }) => path) } : upgrade;
}

/** Forks behind the forks they were made from. */
function templatesFirst(forks: readonly ForkedStack[]): ForkedStack[] {
  const ordered = new Set<ForkedStack>();
  const add = (fork: ForkedStack): void => {
    const template = forks.find(({ stack }) => stack === fork.record.from);
    if (template !== undefined && !ordered.has(template)) add(template);
    ordered.add(fork);
  };
  forks.forEach(add);
  return [...ordered];
}

/** Merges the template as it stands now into one stack; what stops this one is its outcome, and stops no other. */
async function upgradeOne(
  stacks: readonly ClientStack[],
  fork: ForkedStack,
  { repository: root, dryRun, keep, take }: UpgradeOptions,
): Promise<Outcome> {
  progress(`merging ${fork.record.from} into ${fork.stack} ...`);
  try {
    const result = await upgradeOf(root, stacks, fork, { keep, take }, VERSION);
    if (result.kind === "merged" && dryRun === undefined) writeAll(root, result.files);
    return result;
  } catch (error) {
    if (error instanceof ForkError || error instanceof UnknownStackError)
      return { kind: "failed", stack: fork.stack, reason: error.message };
    throw error;
  }
}

async function upgrade(client: string | undefined, options: UpgradeOptions): Promise<void> {
  const { repository: root, dryRun, json } = options;
  const done: Outcome[] = [];
  let stacks = stacksOf(root);
  for (const fork of templatesFirst(forksFor(stacks, client, options))) {
    const { stack, record } = fork;
    const isBehind =
      dryRun !== undefined &&
      done.some((each) => each.stack === record.from && (each.kind === "merged" || each.kind === "waits"));
    const outcome: Outcome = isBehind
      ? { kind: "waits", stack, template: record.from }
      : await upgradeOne(stacks, fork, options);
    done.push(outcome);
    // A later one may be a fork of what was written.
    if (outcome.kind === "merged" && dryRun === undefined)
      stacks = stacks.map((each) => (each.stack === stack ? stackOf(root, stack) : each));
  }
  if (json === true) printJson(done.map(summary));
  else for (const each of done) report(each, dryRun === undefined);
  if (done.some(({ kind }) => kind === "conflicts" || kind === "invalid")) process.exitCode = EXIT.findings;
  for (const each of done) if (each.kind === "failed") progress(`error: ${each.stack}: ${each.reason}`);
  if (done.some(({ kind }) => kind === "failed")) process.exitCode = EXIT.failure;
}

/** `llmops clients`: who there is, how far each went from its template, and the way back. */
export function clientsCommand(): Command {
  const command = new Command("clients").description(
    "clients, what each changed, and upgrades of their stacks",
  );
  command
    .command("list")
    .description("clients with environments, clouds, regions, budgets and the version of the blueprint")
    .addOption(repositoryOption())
    .option("--json", "print JSON")
    .action(list);
  command
    .command("diff")
    .description(
      "what a client changed since its stack was forked or upgraded, and what its template changed",
    )
    .argument("<client>", "short name of the client")
    .addOption(repositoryOption())
    .option("--json", "print JSON")
    .action(diff);
  command
    .command("upgrade")
    .description(
      "merge what changed in the template into a client's stack; exit code 1 when both changed the same key: nothing is written then",
    )
    .argument("[client]", "short name of the client")
    .option("--all", "every client that was forked")
    .option("--stack <stack>", "only this stack of the client")
    .option("--keep <keys...>", "conflicts where the client's value stays", [])
    .option("--take <keys...>", "conflicts where the template's value is taken", [])
    .option("--dry-run", "write nothing")
    .addOption(repositoryOption())
    .option("--json", "print JSON")
    .action(upgrade);
  return command;
}
