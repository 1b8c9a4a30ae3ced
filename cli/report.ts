import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { pdfOf } from "../compliance/pdf.ts";
import { auditMonth } from "../reporting/month/audit-month.ts";
import type { AuditAnswer } from "../reporting/month/audit-sections.ts";
import { reportHtml } from "../reporting/month/html.ts";
import { makeReport } from "../reporting/month/make-report.ts";
import { reportMarkdown } from "../reporting/month/markdown.ts";
import type { Promises } from "../reporting/month/measured-sections.ts";
import { reportMonth, type ReportMonth } from "../reporting/month/period.ts";
import { pictures } from "../reporting/month/pictures.ts";
import { judgedFigures, monthWords, verdictOf, wordsOf } from "../reporting/month/words.ts";
import { Prometheus } from "../reporting/prometheus.ts";
import { dashboardScope } from "../stacks/dashboard-scope.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { plainTable } from "./table.ts";

interface ReportOptions {
  readonly month: string;
  readonly stack?: string;
  readonly prometheus?: string;
  readonly prometheusToken?: string;
  readonly audit?: string[];
  readonly key?: string[];
  readonly out?: string;
  readonly json?: true;
}

function promisesOf(stack: string | undefined): Promises {
  if (stack === undefined) return { objectives: [] };
  const { budgetUsd, availability, objectives, measured } = dashboardScope(readStack(STACKS_FOLDER, stack));
  const limit = measured.find(({ id }) => id === "hallucination_rate")?.limit;
  return {
    budgetUsd,
    availability,
    objectives,
    ...(limit === undefined ? {} : { hallucinationLimit: limit }),
  };
}

/** Prometheus at an address, with a token out of a file. */
export function prometheusAt(url: string, tokenFile: string | undefined): Prometheus {
  if (!/^https?:\/\//.test(url))
    throw new InvalidArgumentError(`--prometheus '${url}' is no http or https address`);
  return new Prometheus(url, tokenFile === undefined ? undefined : readFileSync(tokenFile, "utf8").trim());
}

async function auditOf({ audit = [], key = [] }: ReportOptions, month: ReportMonth): Promise<AuditAnswer> {
  const [first, ...rest] = audit;
  if (first === undefined) return { kind: "no-data", reason: "no audit log was given" };
  progress(`reading and verifying ${audit.join(", ")} ...`);
  const read = await auditMonth(
    [first, ...rest],
    key.map((file) => readFileSync(file, "utf8")),
    month,
  );
  return read.verification.chains.length === 0
    ? { kind: "no-data", reason: `there is no audit log in ${audit.join(", ")}` }
    : { kind: "read", audit: read };
}

async function run(options: ReportOptions): Promise<void> {
  const { stack, prometheus: url, out } = options;
  if (url === undefined && options.audit === undefined)
    throw new InvalidArgumentError(
      "give --prometheus, --audit or both; without them there is nothing to report",
    );
  const now = new Date();
  const month = reportMonth(options.month, now);
  const report = await makeReport({
    month,
    subject: stack ?? "no stack given",
    promises: promisesOf(stack),
    ...(url === undefined ? {} : { prometheus: prometheusAt(url, options.prometheusToken) }),
    audit: await auditOf(options, month),
    now,
  });
  const judged = judgedFigures(report);
  if (out !== undefined) {
    mkdirSync(out, { recursive: true });
    const markdown = reportMarkdown(report);
    const title = `Monthly report: ${monthWords(report)}`;
    const charts = pictures(report);
    for (const [name, picture] of charts) writeFileSync(join(out, name), picture);
    writeFileSync(join(out, "report.md"), `# ${title}\n\n${markdown}\n`);
    writeFileSync(join(out, "report.html"), reportHtml(report));
    writeFileSync(join(out, "report.pdf"), await pdfOf(title, report.subject, markdown, charts));
    progress(`wrote report.md, report.html, report.pdf and ${charts.size} charts to ${out}`);
  }
  if (options.json === true) printJson(report);
  else {
    const table = plainTable({
      head: ["figure", "value", "target", "verdict"],
    });
    for (const figure of judged)
      table.push([figure.label, wordsOf(figure), figure.target?.text ?? "", verdictOf(figure)]);
    print(table.toString());
    for (const caveat of report.caveats) print(`- ${caveat}`);
  }
  if (judged.some(({ target }) => target?.verdict !== "met")) process.exitCode = EXIT.findings;
}

/** `llmops report`: what a month was like, for people who were not there. */
export function reportCommand(): Command {
  return new Command("report")
    .description(
      "service level, cost, quality, drift, incidents and oversight of a month; exit code 1 when a target is missed or unknown",
    )
    .requiredOption("--month <YYYY-MM>", "calendar month, UTC")
    .option(
      "-s, --stack <stack>",
      "stack whose objectives and budget it is held against, for example acme-prod",
    )
    .option("--prometheus <url>", "address of a Prometheus, for example http://localhost:9090")
    .option("--prometheus-token <file>", "file with a bearer token for it")
    .option("--audit <place...>", "audit log: directory, s3:// or gs://")
    .option("--key <file...>", "public key of the audit log's checkpoints, PEM")
    .option("--out <folder>", "folder for report.md, report.html, report.pdf and the charts")
    .option("--json", "print the report as JSON")
    .action(run);
}
