import { createInterface } from "node:readline/promises";
import { Command, Option } from "commander";
import type { Decision } from "../clients/decision.ts";
import { differences, type Difference } from "../clients/differences.ts";
import { writeAll } from "../clients/files.ts";
import { makeFork } from "../clients/fork.ts";
import type { Template } from "../clients/generate/stack-file.ts";
import { holdingsOf } from "../clients/isolation/holdings.ts";
import type { Kind } from "../clients/isolation/holding.ts";
import { isolationOf, type IsolationProof, type KindProof } from "../clients/isolation/proof.ts";
import { stackPath, stacksOf, templateOf, type ClientStack } from "../clients/repository.ts";
import { platformIn } from "../clients/upgrade.ts";
import { policyOf, knownCost } from "../plan/policy.ts";
import { graphOf } from "../plan/stack-plan.ts";
import type { KnownCost } from "../policies/controls/control.ts";
import { blocking, type Finding } from "../policies/report.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { showValue } from "../stacks/schema/problem.ts";
import { parseStackText, readStack } from "../stacks/schema/stack-file.ts";
import {
  asOfOption,
  EXIT,
  print,
  printJson,
  progress,
  repositoryOption,
  STACKS_FOLDER,
  VERSION,
} from "./context.ts";
import { answersOf, openQuestions, refuseMissing, type Given } from "./fork-answers.ts";
import { ROOT } from "./git.ts";
import { positive } from "./number-options.ts";
import { plainTable } from "./table.ts";

interface ForkOptions extends Omit<Given, "client"> {
  readonly repository: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly asOf: string;
}

/** What was found about a fork before it was written. */
interface Examination {
  readonly proof: IsolationProof;
  readonly stopped: readonly Finding[];
  readonly cost: KnownCost;
  readonly resources: number;
  /** Names of what it creates and refers to, by kind. */
  readonly names: readonly { readonly kind: Kind; readonly names: readonly string[] }[];
}

/** Kinds whose names people look for; roles, secrets and accounts are many and follow from the stack's name. */
const NAMED: readonly Kind[] = ["kms-key", "bucket", "namespace", "network"];

/** Answers to whatever is missing, from the terminal; without one, the missing flags are named. */
async function complete(
  given: Given,
  root: string,
  stacks: readonly ClientStack[],
): Promise<{ given: Given; template: Template }> {
  const canAsk = process.stdin.isTTY && process.stderr.isTTY;
  let answers = given;
  const known = (): Template | undefined =>
    answers.from === undefined ? undefined : templateOf(root, stacks, answers.from);
  if (!canAsk) refuseMissing([...openQuestions(answers, undefined), ...openQuestions(answers, known())]);
  const ask = async (template: Template | undefined): Promise<void> => {
    const questions = openQuestions(answers, template);
    if (questions.length === 0) return;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      for (const { key, text } of questions)
        answers = { ...answers, [key]: (await terminal.question(`${text}: `)).trim() };
    } finally {
      terminal.close();
    }
  };
  await ask(undefined);
  const template = templateOf(root, stacks, answers.from ?? "");
  await ask(template);
  return { given: answers, template };
}

/** Plans the fork and every stack of another client, and judges the fork. */
async function examine(
  stacks: readonly ClientStack[],
  stack: string,
  config: PlatformConfig,
  asOf: string,
): Promise<Examination> {
  const others = stacks.filter((each) => each.config.client !== config.client);
  progress(
    `planning ${stack} and the stacks of other clients: ${others.map((each) => each.stack).join(", ")} ...`,
  );
  const planned = [];
  for (const each of others) planned.push({ ...each, graph: await graphOf(each.stack, each.config) });
  const graph = await graphOf(stack, config);
  const { known } = holdingsOf(graph, config);
  return {
    names: NAMED.map((kind) => ({
      kind,
      names: [
        ...new Set(
          known.filter((each) => each.kind === kind && !each.id.startsWith("urn:")).map(({ id }) => id),
        ),
      ],
    })),
    proof: isolationOf({ stack, config, graph }, planned),
    stopped: blocking(policyOf({ graph, config, asOf })),
    cost: knownCost(graph, config),
    resources: graph.nodes.filter(({ custom }) => custom).length,
  };
}

function printDifferences(template: string, found: readonly Difference[]): void {
  print(`\nWhat differs from ${template}`);
  const table = plainTable({ head: ["key", template, "fork"] });
  for (const { key, from, to } of found) table.push([key, showValue(from), showValue(to)]);
  print(table.toString());
}

function verdictOf({ verdict, shared, open }: KindProof): string {
  if (verdict === "isolated") return "nothing in common";
  return verdict === "shared" ? `${shared.length} in common` : `not proven: ${open.length} unknown`;
}

/** Isolation as a table, with what is in common or unknown below it. */
function printIsolation({ stack, others, kinds }: IsolationProof): void {
  print(`\nIsolation of ${stack} from ${others.join(", ") || "nobody: there is no other client"}`);
  const table = plainTable({ head: ["kind", "here", "there", "found"] });
  for (const proof of kinds) table.push([proof.kind, proof.compared, proof.against, verdictOf(proof)]);
  print(table.toString());
  for (const { kind, shared, open } of kinds) {
    for (const { id, otherId, stack: other, there } of shared)
      print(
        `  ${kind}: ${id}${id === otherId ? "" : ` meets ${otherId}`}, in ${other} as well (${there.split("::").at(-1) ?? there})`,
      );
    for (const { stack: where, where: resource, reason } of open)
      print(`  ${kind}: ${where}, ${resource.split("::").at(-1) ?? resource}: ${reason}`);
  }
}

function printNames({ names }: Examination, { cloud, audit }: PlatformConfig): void {
  print("\nWhat it gets");
  if ("region" in cloud) print(`  residency: ${cloud.region}; records kept ${audit.retentionDays} days`);
  for (const { kind, names: all } of names) print(`  ${kind}: ${all.join(", ") || "none"}`);
}

function printDecisions(decisions: readonly Decision[]): void {
  print("\nFor you to decide");
  for (const { key, what } of decisions) print(`  ${key}: ${what}`);
}

/** What costs keep the fork from being deployed, or undefined. */
function costProblem(cost: KnownCost): string | undefined {
  switch (cost.kind) {
    case "nothing-rented":
      return undefined;
    case "not-computed":
      return cost.reason;
    case "figures":
      return cost.ceilingUsd > cost.budgetUsd
        ? `the ceiling of ${cost.ceilingUsd} USD per month is over the budget of ${cost.budgetUsd} USD; raise --budget or lower gpuPools[].nodes.max`
        : undefined;
  }
}

async function run(client: string | undefined, options: ForkOptions): Promise<void> {
  const { repository: root, dryRun, json, asOf, ...flags } = options;
  const stacks = stacksOf(root);
  const { given, template } = await complete(
    { ...flags, ...(client === undefined ? {} : { client }) },
    root,
    stacks,
  );
  const fork = await makeFork(root, stacks, template, answersOf(stacks, template, given), VERSION);
  const config = parseStackText(fork.planText, stackPath(fork.stack));
  const examination = await examine(stacks, fork.stack, config, asOf);
  const { proof, stopped, cost, resources } = examination;
  const isWritten = dryRun === undefined && proof.verdict === "isolated";
  if (isWritten)
    writeAll(root, fork.files, () => {
      if (root === ROOT) readStack(STACKS_FOLDER, fork.stack);
    });
  const tooDear = costProblem(cost);
  const found = differences(platformIn(template.text), platformIn(fork.text));
  if (json === true)
    printJson({
      stack: fork.stack,
      from: template.stack,
      written: isWritten ? fork.files.map(({ path }) => path) : [],
      differences: found,
      names: examination.names,
      isolation: proof,
      policy: stopped.map(({ control, message, remediation }) => ({ control, message, remediation })),
      cost,
      decisions: fork.decisions,
    });
  else {
    printDifferences(template.stack, found);
    printNames(examination, config);
    printIsolation(proof);
    printDecisions(fork.decisions);
    print(`\n${fork.stack}: ${resources} resources`);
    if (isWritten) {
      print(`wrote ${fork.files.map(({ path }) => path).join(", ")}`);
      print(`next: decide the above, then npx llmops plan -s ${fork.stack}`);
    } else print("nothing was written");
  }
  for (const { control, message, remediation } of stopped)
    progress(`open: ${control}: ${message}. ${remediation}`);
  if (tooDear !== undefined) progress(`open: ${tooDear}`);
  if (proof.verdict !== "isolated")
    progress(`error: ${fork.stack} is not proven to be isolated from other clients; nothing was written`);
  if (proof.verdict !== "isolated" || stopped.length > 0 || tooDear !== undefined)
    process.exitCode = EXIT.findings;
}

/** `llmops fork`: a new client's environment from the nearest stack. */
export function forkCommand(): Command {
  return new Command("fork")
    .description(
      "make a new client's stack, prompts and data sets from a stack, and prove that it shares nothing with other clients; asks on a terminal for what is missing",
    )
    .argument("[client]", "short name of the client")
    .option("--from <stack>", "stack to fork from")
    .addOption(
      new Option("--env <environment>", "stage (default: the template's)").choices([
        "dev",
        "staging",
        "prod",
      ]),
    )
    .addOption(new Option("--cloud <cloud>", "cloud (default: the template's)").choices(["aws", "gcp"]))
    .option("--region <region>", "region (default: the template's)")
    .option("--zones <zones...>", "zones (default: the template's, or the region's first)")
    .option("--account <id>", "AWS account")
    .option("--project <id>", "Google Cloud project")
    .option("--project-number <number>", "its number")
    .option("--billing-account <id>", "Google Cloud billing account, for the budget alarm")
    .option("--owner <email>", "who answers for budget, risk class and oversight")
    .option("--registry <host>", "registry the client's images are pushed to")
    .option("--name <name>", "how people write the client's name (default: the short name)")
    .option("--purpose <sentence>", "what the system is for (default: the template's)")
    .option("--budget <amount>", "monthly budget (default: the template's)", positive)
    .option("--retention-days <days>", "days records are kept (default: the template's)", positive)
    .option("--gpu <pool=accelerator...>", "accelerator of a pool, where the cloud lacks the template's")
    .option("--system-nodes <type>", "machine type of the nodes without GPU")
    .option("--network <cidr>", "range to take free networks from (default: 10.0.0.0/8)")
    .addOption(repositoryOption())
    .option("--dry-run", "write nothing")
    .addOption(asOfOption())
    .option("--json", "print JSON")
    .action(run);
}
