import { writeFileSync } from "node:fs";
import { Decimal } from "decimal.js";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Part } from "../cost/breakdown.ts";
import { costChart } from "../cost/chart.ts";
import { costCsv } from "../cost/csv.ts";
import { costDifference, costSideOf, type CostDifference, type CostSide } from "../cost/difference.ts";
import { environmentCost, type EnvironmentCost } from "../cost/environment.ts";
import { costPage } from "../cost/html.ts";
import { checkPrices, wrongPrices } from "../cost/price-check.ts";
import { sumOf } from "../cost/apportion.ts";
import { differenceTable, environmentTables, overviewTables, type CostTable } from "../cost/tables.ts";
import { readTraffic, type MeanRequest, type Traffic } from "../cost/traffic.ts";
import type { ResourceGraph } from "../graph/graph.ts";
import { planStack } from "../plan/stack-plan.ts";
import { CURRENCIES, EXCHANGE_RATES, type Currency } from "../pricing/currencies.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack, stackNames } from "../stacks/schema/stack-file.ts";
import { Checkout } from "./checkout.ts";
import { asOfOption, EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { git } from "./git.ts";
import { positive } from "./number-options.ts";
import { plainTable } from "./table.ts";

interface CostCommandOptions {
  readonly stack?: readonly string[];
  readonly compare?: readonly string[];
  readonly base?: string;
  readonly trace?: readonly string[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputShare?: number;
  readonly commitmentDiscount?: number;
  readonly interruptionMinutes: number;
  readonly unitCosts: boolean;
  readonly currency: Currency;
  readonly asOf: string;
  readonly json?: true;
  readonly csv?: true;
  readonly html?: string;
  readonly svg?: string;
}

interface Priced {
  readonly environment: EnvironmentCost;
  readonly graph: ResourceGraph;
  readonly config: PlatformConfig;
}

/** Parses a share between 0 and 1. @throws InvalidArgumentError otherwise */
function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError(`'${text}' is not between 0 and 1`);
  return value;
}

/** Most minutes per interruption that leave a node serving at twelve interruptions a day. */
const MOST_MINUTES = 119;

function minutes(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MOST_MINUTES))
    throw new InvalidArgumentError(`'${text}' is not between 0 and ${MOST_MINUTES}`);
  return value;
}

/** Reads `--trace [MODEL=]FILE`; the name may be left out where the stack serves one model. */
function trafficOf(
  stack: string,
  { models }: PlatformConfig,
  options: CostCommandOptions,
): ReadonlyMap<string, Traffic> {
  const mean: MeanRequest = options;
  return new Map(
    (options.trace ?? []).map((text): [string, Traffic] => {
      const [, named, file = text] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text) ?? [];
      const name = named ?? (models.length === 1 ? models[0]?.name : undefined);
      if (name === undefined)
        throw new InvalidArgumentError(
          `--trace '${text}': stack ${stack} serves ${models.map((model) => model.name).join(", ") || "no model"}; write MODEL=FILE`,
        );
      return [name, readTraffic(file, mean)];
    }),
  );
}

async function priced(stack: string, options: CostCommandOptions): Promise<Priced | undefined> {
  const config = readStack(STACKS_FOLDER, stack);
  const traffic = trafficOf(stack, config, options);
  progress(`pricing ${stack} ...`);
  const { plan } = await planStack(stack, config);
  const environment = environmentCost({
    stack,
    config,
    graph: plan.graph,
    traffic,
    request: { inputTokens: options.inputTokens, outputTokens: options.outputTokens },
    interruptionMinutes: options.interruptionMinutes,
    unitCosts: options.unitCosts ? "computed" : "left-out",
    ...(options.cachedInputShare === undefined ? {} : { cachedShare: options.cachedInputShare }),
    ...(options.commitmentDiscount === undefined ? {} : { commitmentDiscount: options.commitmentDiscount }),
  });
  return environment === undefined ? undefined : { environment, graph: plan.graph, config };
}

function summed(environments: readonly EnvironmentCost[], pick: (each: EnvironmentCost) => string): Part[] {
  return [...Map.groupBy(environments, pick)].map(([name, same]) => ({
    name,
    monthlyUsd: {
      min: sumOf(same.map(({ report }) => report.monthlyUsd.min)),
      expected: sumOf(same.map(({ report }) => report.monthlyUsd.expected)),
      max: sumOf(same.map(({ report }) => report.monthlyUsd.max)),
    },
  }));
}

function printTable({ title, head, rows, textColumns, note }: CostTable): void {
  const table = plainTable({
    head: [...head],
    colAligns: head.map((_, index) => (index < textColumns ? "left" : "right")),
    style: { compact: true },
  });
  for (const row of rows) table.push([...row]);
  print(`\n${title}`);
  print(table.toString());
  if (note !== undefined) print(note);
}

function printEnvironment({ stack, report, ...rest }: EnvironmentCost, currency: Currency): void {
  const { min, expected, max } = report.monthlyUsd;
  print(
    `${stack}: ${min} USD at least, ${expected} expected, ${max} at most per month of 730 hours; budget ${report.budgetUsd}: ${report.verdict}`,
  );
  if (currency !== "USD") {
    const rate = EXCHANGE_RATES[currency];
    const in_ = (usd: string): string => new Decimal(usd).div(rate.usdPerUnit).toFixed(2);
    print(
      `In ${currency} at ${rate.usdPerUnit} USD (${rate.asOf}, ${rate.source}): ${in_(min)}, ${in_(expected)}, ${in_(max)}`,
    );
  }
  for (const table of environmentTables({ stack, report, ...rest })) printTable(table);
  print(
    `\nBilled by use, in these figures only as far as budget.usage declares it: ${report.byUse.join(", ") || "nothing"}`,
  );
}

function sideOf({ environment }: Priced): CostSide {
  const { stack, report } = environment;
  return { title: stack, stack, lines: [...report.lines, ...report.use], monthlyUsd: report.monthlyUsd };
}

/** The stack at another commit, planned with the code of that commit. */
function atCommit(stack: string, ref: string, asOf: string): CostSide {
  const checkout = new Checkout(git("rev-parse", "--verify", `${ref}^{commit}`));
  try {
    progress(`planning ${stack} at ${ref} ...`);
    return costSideOf(stack, `${stack} at ${ref}`, checkout.plan(stack, asOf).stdout);
  } finally {
    checkout.remove();
  }
}

function differencesOf(all: readonly Priced[], options: CostCommandOptions): CostDifference[] {
  const { compare, base, asOf } = options;
  if (compare !== undefined) {
    const [before, after] = all;
    return before === undefined || after === undefined ? [] : [costDifference(sideOf(before), sideOf(after))];
  }
  return base === undefined
    ? []
    : all.map((each) => costDifference(atCommit(each.environment.stack, base, asOf), sideOf(each)));
}

/** Prices that are too old or of the future stop the report: figures on them would be those of another time. */
function refusePrices(all: readonly Priced[], asOf: string): boolean {
  const wrong = all.flatMap(({ environment, config }) =>
    wrongPrices(
      checkPrices(environment.stack, config, environment.report, {
        asOf,
        maxAgeDays: config.budget.maxPriceAgeDays,
        assumed: "accepted",
      }),
    ).filter(({ state }) => state === "stale" || state === "future"),
  );
  for (const { stack, key, message } of wrong) progress(`error: ${stack}: price ${key}: ${message}`);
  return wrong.length > 0;
}

async function run(options: CostCommandOptions): Promise<void> {
  const { compare, stack } = options;
  if (compare !== undefined && compare.length !== 2)
    throw new InvalidArgumentError(`--compare takes two stacks, not ${compare.length}`);
  const names = compare ?? stack ?? stackNames(STACKS_FOLDER);
  const all: Priced[] = [];
  for (const name of names) {
    const one = await priced(name, options);
    if (one === undefined) progress(`${name}: nothing is rented`);
    else all.push(one);
  }
  if (refusePrices(all, options.asOf)) {
    process.exitCode = EXIT.findings;
    return;
  }
  const environments = all.map(({ environment }) => environment);
  const differences = differencesOf(all, options);
  const [first] = environments;
  if (options.svg !== undefined && first !== undefined) {
    writeFileSync(options.svg, costChart(first));
    progress(`wrote ${options.svg}`);
  }
  if (options.html !== undefined) {
    writeFileSync(options.html, costPage(environments));
    progress(`wrote ${options.html}`);
  }
  if (options.json === true) printJson({ environments, differences });
  else if (options.csv === true)
    for (const { environment, graph } of all) process.stdout.write(costCsv(environment, graph));
  else {
    if (environments.length === 1 && first !== undefined) printEnvironment(first, options.currency);
    else
      for (const table of overviewTables(environments, {
        byClient: summed(environments, ({ client }) => client),
        byStage: summed(environments, ({ environment }) => environment),
      }))
        printTable(table);
    for (const difference of differences) printTable(differenceTable(difference));
  }
  for (const { stack: name, traffic } of environments)
    for (const { model, overload, served } of traffic.filter((each) => each.overload > 0))
      progress(
        `warning: ${name}: ${model} is short of replicas ${(100 * overload).toFixed(1)} % of the time and serves ${(100 * served).toFixed(1)} % of the traffic; raise autoscaling.maxReplicas`,
      );
  for (const { stack: name, report } of environments)
    if (report.verdict === "over-budget") {
      progress(
        `error: ${name}: the ceiling of ${report.monthlyUsd.max} USD is over budget.monthly = ${report.budgetUsd} USD`,
      );
      process.exitCode = EXIT.findings;
    }
}

/** `llmops cost`: floor, expected and ceiling, broken down, per request, against APIs, other stacks and other commits. */
export function costCommand(): Command {
  return new Command("cost")
    .description(
      "what environments cost: broken down, per request, against APIs, other stacks and commits; offline",
    )
    .option("-s, --stack <stack...>", "stacks to price (default: all, as an overview)")
    .option("--compare <stacks...>", "two stacks to compare")
    .option("--base <ref>", "compare each stack with itself at a commit, for example origin/main")
    .option(
      "--trace <[model=]file...>",
      "expected figures from a trace (TIMESTAMP,ContextTokens,GeneratedTokens) or a profile (window_start_s,requests_per_s)",
    )
    .option("--input-tokens <tokens>", "mean prompt, for unit costs and profiles", positive, 1024)
    .option("--output-tokens <tokens>", "mean answer, for unit costs and profiles", positive, 256)
    .option(
      "--cached-input-share <share>",
      "share of the prompt an API finds in its prompt cache, 0 to 1, for the comparison with APIs",
      share,
    )
    .option(
      "--commitment-discount <share>",
      "what a commitment is cheaper by, 0 to 1, from your offer",
      share,
    )
    .option("--interruption-minutes <minutes>", "paid minutes an interrupted spot node loses", minutes, 10)
    .option("--no-unit-costs", "leave out unit costs and break-even, which take seconds per model")
    .addOption(
      new Option("--currency <currency>", "also show totals in it").choices(CURRENCIES).default("USD"),
    )
    .addOption(asOfOption())
    .option("--json", "print JSON")
    .option("--csv", "print one row per resource with its prices and sources")
    .option("--html <file>", "write a page with chart and tables")
    .option("--svg <file>", "write the chart of the first stack")
    .action(run);
}
