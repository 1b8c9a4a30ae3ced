import Table from "cli-table3";
import { Command } from "commander";
import { knownCost, policyOf } from "../plan/policy.ts";
import { planStack } from "../plan/stack-plan.ts";
import { CATALOGUE } from "../policies/catalogue.ts";
import { blocking, type ControlResult, type PolicyReport } from "../policies/report.ts";
import { writeControlPages } from "../policies/pages.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { asOfOption, EXIT, STACKS_FOLDER, print, printJson, progress } from "./context.ts";

const PLAIN = { style: { head: [], border: [] } };

function seen({ status, checked, findings, attestations, reason }: ControlResult): string {
  if (status === "not-applicable") return reason ?? "";
  if (findings.length === 0)
    return [
      `${checked.length} resources checked`,
      ...attestations.map(
        ({ subject, reference, owner, expires }) =>
          `declared, not verified: ${subject}, ${reference} (${owner}, until ${expires})`,
      ),
    ].join("\n");
  return findings
    .map(({ message, exemption }) =>
      exemption === undefined ? message : `[${exemption.id} until ${exemption.expires}] ${message}`,
    )
    .join("\n");
}

/** The report as a table: every control, also those that passed and those that do not apply. */
export function policyTable({ results, exemptionFindings }: PolicyReport): string {
  const rows = new Table({
    head: ["control", "status", "level", "what was seen"],
    colWidths: [14, 16, 11, 100],
    wordWrap: true,
    ...PLAIN,
  });
  for (const result of results)
    rows.push([result.control, result.status, result.level, `${result.title}\n${seen(result)}`]);
  for (const { property, level, message } of exemptionFindings)
    rows.push([property ?? "", "fail", level, message]);
  return rows.toString();
}

/** One line: what was checked and what stops a deployment. */
export function policySummary(report: PolicyReport): string {
  const count = (status: ControlResult["status"]): number =>
    report.results.filter((each) => each.status === status).length;
  const stopped = blocking(report).length;
  return [
    `Policy: ${CATALOGUE.length} controls; ${count("pass")} passed, ${count("fail")} failed, ${count("unknown")} undetermined,`,
    `${count("attested")} declared, ${count("exempt")} exempted, ${count("not-applicable")} do not apply; ${stopped} mandatory findings stop a deployment`,
  ].join(" ");
}

interface CheckOptions {
  readonly stack: string;
  readonly asOf: string;
  readonly json?: true;
}

async function check({ stack, asOf, json }: CheckOptions): Promise<void> {
  progress(`planning ${stack} ...`);
  const config = readStack(STACKS_FOLDER, stack);
  const { plan, cost } = await planStack(stack, config);
  const report = policyOf({ graph: plan.graph, config, cost: knownCost(cost), asOf });
  if (json === true) printJson(report);
  else {
    print(policyTable(report));
    print(policySummary(report));
    print(`Written against ${report.legalBaseline}. What a control cannot see is in docs/policies.`);
  }
  if (blocking(report).length > 0) process.exitCode = EXIT.findings;
}

function list({ json }: { readonly json?: true }): void {
  if (json === true) {
    printJson(
      CATALOGUE.map(({ id, title, legal, levels, rationale, remediation, blindSpots }) => ({
        id,
        title,
        legal,
        levels,
        rationale,
        remediation,
        blindSpots,
      })),
    );
    return;
  }
  const rows = new Table({ head: ["control", "title", "law"], ...PLAIN });
  for (const { id, title, legal } of CATALOGUE)
    rows.push([
      id,
      title,
      legal.map(({ reference, appliesFrom }) => `${reference} (from ${appliesFrom})`).join("\n"),
    ]);
  print(rows.toString());
}

/** `llmops policy`: the controls and what they find on a stack, offline. */
export function policyCommand(): Command {
  const command = new Command("policy").description(
    "controls of the AI Act, the GDPR and cost on the resource graph",
  );
  command
    .command("check")
    .description("evaluate every control on a stack; exit code 2 when a mandatory finding stops a deployment")
    .requiredOption("-s, --stack <stack>", "stack, for example acme-prod")
    .addOption(asOfOption())
    .option("--json", "print the whole report as JSON")
    .action(check);
  command
    .command("list")
    .description("the controls with the articles they serve and the days these apply from")
    .option("--json", "print JSON")
    .action(list);
  command
    .command("pages")
    .description("write docs/policies, one page per control")
    .action(() => {
      for (const file of writeControlPages()) progress(`wrote ${file}`);
    });
  return command;
}
