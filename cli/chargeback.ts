import { Command, InvalidArgumentError } from "commander";
import { stringify } from "csv-stringify/sync";
import { monthPeriod, readHours } from "../chargeback/hours.ts";
import { STATEMENT_SERIES, statementOf, type Statement } from "../chargeback/statement.ts";
import { Prometheus } from "../reporting/prometheus.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { plainTable } from "./table.ts";

interface ChargebackOptions {
  readonly prometheus: string;
  readonly month: string;
  readonly json?: true;
  readonly csv?: true;
}

function month(value: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(value)) return value;
  throw new InvalidArgumentError(`'${value}' is not a month such as 2026-10`);
}

function address(value: string): string {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new InvalidArgumentError(`'${value}' is not an address such as http://localhost:9090`);
}

/** Columns of the table and the CSV. */
const COLUMNS = ["tenant", "client", "model", "source", "usd"] as const;

function printTable({ from, to, rows, totalUsd, attributedUsd, unattributedUsd, hours }: Statement): void {
  const table = plainTable({
    head: ["tenant", "client", "model", "source", "USD"],
    colAligns: ["left", "left", "left", "left", "right"],
  });
  for (const { tenant, client, model, source, usd } of rows)
    table.push([tenant, client === "" ? "(used by nobody)" : client, model, source, usd]);
  table.push(["", "", "", "total", totalUsd]);
  print(`${from} to ${to}: ${hours.measured} of ${hours.inPeriod} hours measured`);
  print(table.toString());
  print(
    `Attributed ${attributedUsd}, used by nobody ${unattributedUsd} USD; GPU nodes at their list price on demand.`,
  );
}

async function run({ prometheus, month: wanted, json, csv }: ChargebackOptions): Promise<void> {
  const period = monthPeriod(wanted, Date.now());
  const server = new Prometheus(prometheus);
  const clients = await readHours(server, STATEMENT_SERIES.clients, period);
  const totals = await readHours(server, STATEMENT_SERIES.totals, period);
  const statement = statementOf({ period, clients, totals });
  if (json === true) printJson(statement);
  else if (csv === true)
    process.stdout.write(stringify([...statement.rows], { header: true, columns: [...COLUMNS] }));
  else printTable(statement);
  for (const { message } of statement.findings) progress(`finding: ${message}`);
  if (statement.findings.length > 0) process.exitCode = EXIT.findings;
}

/** `llmops chargeback`: what each client cost in a month. */
export function chargebackCommand(): Command {
  return new Command("chargeback")
    .description("what each client cost in a month, from the hours Prometheus recorded; adds up to the cent")
    .requiredOption("--prometheus <url>", "address of the environment's Prometheus", address)
    .requiredOption("--month <month>", "calendar month in UTC, for example 2026-10", month)
    .option("--json", "print JSON with the findings")
    .option("--csv", "print the rows as CSV")
    .action(run);
}
