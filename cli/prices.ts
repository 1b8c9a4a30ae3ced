import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import {
  checkPrices,
  checkRates,
  missingPrices,
  wrongPrices,
  type PriceFinding,
} from "../cost/price-check.ts";
import { UnknownPriceError } from "../plan/cost.ts";
import { planStack } from "../plan/stack-plan.ts";
import { BOOKS_FOLDER, parseBook, withPrices, type PriceBook } from "../pricing/book.ts";
import { catalog } from "../pricing/catalog.ts";
import { EXCHANGE_RATES } from "../pricing/currencies.ts";
import { importAwsOffer } from "../pricing/import/aws.ts";
import { importGcpSkus } from "../pricing/import/gcp.ts";
import { TOKEN_PRICES } from "../pricing/tokens.ts";
import { readStack, stackNames } from "../stacks/schema/stack-file.ts";
import { asOfOption, EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { positive } from "./number-options.ts";
import { plainTable } from "./table.ts";

interface CheckOptions {
  readonly stack?: readonly string[];
  readonly maxAgeDays?: number;
  readonly acceptAssumed?: true;
  readonly asOf: string;
  readonly json?: true;
}

async function findingsOf(stack: string, options: CheckOptions): Promise<PriceFinding[]> {
  const config = readStack(STACKS_FOLDER, stack);
  try {
    const { cost } = await planStack(stack, config);
    return cost === undefined
      ? []
      : checkPrices(stack, config, cost, {
          asOf: options.asOf,
          maxAgeDays: options.maxAgeDays ?? config.budget.maxPriceAgeDays,
          assumed: options.acceptAssumed === true ? "accepted" : "gap",
        });
  } catch (error) {
    if (error instanceof UnknownPriceError) return missingPrices(stack, error.skus);
    throw error;
  }
}

/** Oldest exchange rate, days: what control COST-01 accepts of a stack's own rate. */
const MAX_RATE_AGE_DAYS = 120;

async function check(options: CheckOptions): Promise<void> {
  const findings: PriceFinding[] = [];
  for (const stack of options.stack ?? stackNames(STACKS_FOLDER)) {
    progress(`checking the prices of ${stack} ...`);
    findings.push(...(await findingsOf(stack, options)));
  }
  findings.push(
    ...checkRates({
      asOf: options.asOf,
      maxAgeDays: options.maxAgeDays ?? MAX_RATE_AGE_DAYS,
      assumed: "gap",
    }),
  );
  const wrong = wrongPrices(findings);
  if (options.json === true) printJson({ findings, wrong: wrong.length });
  else {
    const table = plainTable({ head: ["stack", "price", "state", "date", "days"], style: { compact: true } });
    for (const { stack, key, state, asOf, ageDays } of findings)
      table.push([stack, key, state, asOf ?? "-", ageDays ?? "-"]);
    print(table.toString());
    print(`${findings.length} prices; ${wrong.length} stale, of the future, without a source or unknown`);
  }
  for (const { stack, key, message } of wrong) progress(`error: ${stack}: ${key}: ${message}`);
  if (wrong.length > 0) process.exitCode = EXIT.findings;
}

function list(options: { readonly json?: true }): void {
  const { hourly, use, imported } = catalog();
  if (options.json === true) {
    printJson({
      hourly: Object.fromEntries(hourly),
      use: Object.fromEntries(use),
      imported: [...imported],
      tokens: TOKEN_PRICES,
      currencies: EXCHANGE_RATES,
    });
    return;
  }
  const table = plainTable({ head: ["price", "USD", "per", "date", "from"], style: { compact: true } });
  const origin = (sku: string): string => (imported.has(sku) ? "imported" : "table");
  for (const [sku, { usdPerHour, asOf }] of hourly) table.push([sku, usdPerHour, "hour", asOf, origin(sku)]);
  for (const [sku, { usdPerUnit, asOf }] of use) table.push([sku, usdPerUnit, "unit", asOf, origin(sku)]);
  for (const { provider, model, input, output, asOf } of TOKEN_PRICES)
    table.push([`${provider}/${model}`, `${input} in, ${output} out`, "million tokens", asOf, "table"]);
  for (const [currency, { usdPerUnit, asOf }] of Object.entries(EXCHANGE_RATES))
    table.push([`currency ${currency}`, usdPerUnit, `1 ${currency}`, asOf, "table"]);
  print(table.toString());
  print("Sources: `llmops prices list --json`");
}

interface ImportOptions {
  readonly file: string;
  readonly region: string;
  readonly out?: string;
  readonly json?: true;
}

async function importPrices(cloud: "aws" | "gcp", options: ImportOptions): Promise<void> {
  const { file, region } = options;
  const out = options.out ?? join(BOOKS_FOLDER, `${cloud}-${region}.json`);
  progress(`reading ${file} ...`);
  const prices = await (cloud === "aws" ? importAwsOffer : importGcpSkus)(file, region);
  const empty: PriceBook = { version: 1, cloud, region, prices: {} };
  const known = existsSync(out) ? parseBook(readFileSync(out, "utf8"), out) : empty;
  const text = `${JSON.stringify(withPrices(known, prices), null, 2)}\n`;
  parseBook(text, file);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, text);
  if (options.json === true) printJson({ out, imported: prices });
  else
    print(
      `${Object.keys(prices).length} prices of ${cloud} ${region} written to ${out}; they override the tables`,
    );
}

function importCommand(cloud: "aws" | "gcp", what: string): Command {
  return new Command(cloud)
    .description(`import ${what}`)
    .requiredOption("--file <file>", "local file, may be gzip (.gz)")
    .requiredOption("--region <region>", "region to take")
    .option("--out <file>", "price book to write (default: pricing/books/<cloud>-<region>.json)")
    .option("--json", "print JSON")
    .action((options: ImportOptions) => importPrices(cloud, options));
}

/** `llmops prices`: the price book, its age and gaps, and imports of the clouds' own lists. */
export function pricesCommand(): Command {
  return new Command("prices")
    .description("the price book: what is known, how old it is, what is missing")
    .addCommand(
      new Command("check")
        .description("age and gaps of every price the stacks use; exit code 1 when there are any")
        .option("-s, --stack <stack...>", "only these stacks")
        .option(
          "--max-age-days <days>",
          "oldest price (default: budget.maxPriceAgeDays of each stack)",
          positive,
        )
        .option("--accept-assumed", "count prices that a stack file assumes as known")
        .addOption(asOfOption())
        .option("--json", "print JSON")
        .action(check),
    )
    .addCommand(
      new Command("list")
        .description("every recorded price with its date")
        .option("--json", "print JSON, with sources")
        .action(list),
    )
    .addCommand(
      new Command("import")
        .description("take prices from a list of the cloud into a dated book that overrides the tables")
        .addCommand(
          importCommand(
            "aws",
            "an offer file of the AWS price list (AmazonEC2, AmazonEKS, AmazonVPC, awskms, AmazonS3, AmazonCloudWatch, AWSDataTransfer)",
          ),
        )
        .addCommand(importCommand("gcp", "SKUs of the Google Cloud billing catalogue")),
    );
}
