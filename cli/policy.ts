import { readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ResourceGraph } from "../graph/graph.ts";
import { readGraphFile } from "../graph/graph-file.ts";
import { graphOfManifests } from "../graph/manifests.ts";
import { graphOfTerraformPlan } from "../graph/terraform.ts";
import { policyOf } from "../plan/policy.ts";
import { planStack } from "../plan/stack-plan.ts";
import { CATALOGUE } from "../policies/catalogue.ts";
import type { Platform } from "../policies/controls/control.ts";
import { EvidenceError, evidenceOf, signEvidence } from "../policies/evidence.ts";
import { toJunit } from "../policies/formats/junit.ts";
import { toOscal } from "../policies/formats/oscal.ts";
import { toSarif } from "../policies/formats/sarif.ts";
import { blocking, type ControlResult, type PolicyReport } from "../policies/report.ts";
import { writeControlPages } from "../policies/pages.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { asOfOption, EXIT, STACKS_FOLDER, VERSION, print, printJson, progress } from "./context.ts";
import { gitState } from "./git.ts";
import { plainTable } from "./table.ts";

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
  const rows = plainTable({
    head: ["control", "status", "level", "what was seen"],
    colWidths: [14, 16, 11, 100],
    wordWrap: true,
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

type Format = "table" | "json" | "sarif" | "junit" | "oscal";

interface CheckOptions {
  readonly stack: string;
  readonly asOf: string;
  readonly graph?: string;
  readonly manifests?: string;
  readonly terraformPlan?: string;
  readonly format: Format;
  readonly json?: true;
  readonly out?: string;
  readonly evidence?: string;
  readonly signKey?: string;
}

/** What is judged, how it was made, and what it does not show. */
interface Subject {
  readonly graph: ResourceGraph;
  readonly source: string;
  readonly unseen: ReadonlySet<Platform>;
}

async function subjectOf(options: CheckOptions, config: PlatformConfig): Promise<Subject> {
  const { stack, graph, manifests, terraformPlan } = options;
  const given = [graph, manifests, terraformPlan].filter((each) => each !== undefined);
  if (given.length > 1)
    throw new InvalidArgumentError("give one of --graph, --manifests and --terraform-plan, not several");
  if (graph !== undefined) return { graph: readGraphFile(graph), source: "graph file", unseen: new Set() };
  if (manifests !== undefined)
    return {
      graph: graphOfManifests(manifests, "llmops", stack),
      source: "manifests",
      unseen: new Set(["aws", "gcp", "prices"]),
    };
  if (terraformPlan !== undefined)
    return {
      graph: graphOfTerraformPlan(terraformPlan, "llmops", stack),
      source: "terraform plan",
      unseen: new Set(["kubernetes", "prices"]),
    };
  progress(`planning ${stack} ...`);
  return { graph: (await planStack(stack, config)).plan.graph, source: "plan", unseen: new Set() };
}

function written(format: Exclude<Format, "table">, report: PolicyReport, stack: string): string {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  switch (format) {
    case "json":
      return json(report);
    case "sarif":
      return json(toSarif(report, `stacks/Pulumi.${stack}.yaml`, VERSION));
    case "junit":
      return toJunit(report);
    case "oscal":
      return json(toOscal(report, VERSION));
  }
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new EvidenceError(`${path}: the key cannot be read; \`llmops evidence key\` makes one`);
  }
}

async function check(options: CheckOptions): Promise<void> {
  const { stack, asOf, out, evidence, signKey } = options;
  if ((evidence === undefined) !== (signKey === undefined))
    throw new InvalidArgumentError("--evidence and --sign-key belong together");
  const format = options.json === true ? "json" : options.format;
  const config = readStack(STACKS_FOLDER, stack);
  const { graph, source, unseen } = await subjectOf(options, config);
  const report = policyOf({ graph, config, asOf, unseen });
  if (format !== "table") {
    const text = written(format, report, stack);
    if (out === undefined) process.stdout.write(text);
    else writeFileSync(out, text);
  } else {
    print(policyTable(report));
    print(policySummary(report));
    print(`Written against ${report.legalBaseline}. What a control cannot see is in docs/policies.`);
  }
  if (evidence !== undefined && signKey !== undefined) {
    const record = evidenceOf({ report, graph, config, git: gitState(), version: VERSION, source });
    writeFileSync(evidence, `${JSON.stringify(signEvidence(record, readKeyFile(signKey)), null, 2)}\n`);
    progress(`wrote signed evidence of run ${record.run} to ${evidence}`);
  }
  if (blocking(report).length > 0) process.exitCode = EXIT.findings;
}

function list({ json }: { readonly json?: true }): void {
  if (json === true) {
    printJson(
      CATALOGUE.map(
        ({ id, title, severity, platforms, legal, levels, rationale, remediation, blindSpots }) => ({
          id,
          title,
          severity,
          platforms,
          legal,
          levels,
          rationale,
          remediation,
          blindSpots,
        }),
      ),
    );
    return;
  }
  const rows = plainTable({ head: ["control", "title", "law"] });
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
    .description("evaluate every control on a stack; exit code 1 when a mandatory finding stops a deployment")
    .requiredOption("-s, --stack <stack>", "stack, for example acme-prod")
    .option("--graph <file>", "judge a graph that `llmops plan --out` wrote, instead of planning")
    .option(
      "--manifests <place>",
      "judge Kubernetes objects of a file or folder; cloud controls are left out",
    )
    .option("--terraform-plan <file>", "judge a Terraform plan in JSON; Kubernetes controls are left out")
    .addOption(
      new Option("--format <format>", "what to write")
        .choices(["table", "json", "sarif", "junit", "oscal"])
        .default("table"),
    )
    .option("--json", "the same as --format json")
    .option("--out <file>", "write there instead of standard output; not for tables")
    .option("--evidence <file>", "also write a signed evidence record")
    .option("--sign-key <file>", "Ed25519 private key in PEM for the evidence")
    .addOption(asOfOption())
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
