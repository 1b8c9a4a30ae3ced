import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { MARKS } from "../compliance/bundle.ts";
import { documentsOf } from "../compliance/documents/index.ts";
import { pdfOf } from "../compliance/pdf.ts";
import { policyOf } from "../plan/policy.ts";
import { planStack } from "../plan/stack-plan.ts";
import { classify } from "../stacks/schema/classification.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { asOfOption, print, printJson, progress, STACKS_FOLDER, VERSION } from "./context.ts";
import { gitState } from "./git.ts";
import { plainTable } from "./table.ts";

interface PackOptions {
  readonly stack: string;
  readonly out: string;
  readonly asOf: string;
  readonly json?: true;
}

function count(text: string, mark: string): number {
  return text.split(mark).length - 1;
}

async function pack({ stack, out, asOf, json }: PackOptions): Promise<void> {
  const config = readStack(STACKS_FOLDER, stack);
  progress(`planning ${stack} ...`);
  const { plan } = await planStack(stack, config);
  const report = policyOf({ graph: plan.graph, config, asOf });
  const { commit, tree } = gitState();
  const documents = documentsOf({
    stack,
    config,
    graph: plan.graph,
    report,
    diagram: plan.diagram,
    commit: tree === "clean" ? commit : null,
    version: VERSION,
  });
  mkdirSync(out, { recursive: true });
  const files: { file: string; sha256: string; open: number; declared: number; verified: number }[] = [];
  for (const { name, title, markdown } of documents) {
    const text = `# ${title}\n\nStack ${stack}, ${asOf.slice(0, 10)}.\n\n${markdown}\n`;
    const pdf = await pdfOf(title, `${stack}, ${asOf.slice(0, 10)}`, markdown);
    for (const [file, content] of [
      [`${name}.md`, Buffer.from(text)],
      [`${name}.pdf`, pdf],
    ] as const) {
      writeFileSync(join(out, file), content);
      files.push({
        file,
        sha256: createHash("sha256").update(content).digest("hex"),
        open: file.endsWith(".md") ? count(text, MARKS.open) : 0,
        declared: file.endsWith(".md") ? count(text, MARKS.declared) : 0,
        verified: file.endsWith(".md") ? count(text, MARKS.verified) : 0,
      });
    }
    progress(`wrote ${join(out, name)}.md and .pdf`);
  }
  const manifest = { stack, asOf, version: VERSION, git: { commit, tree }, files };
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  if (json === true) {
    printJson(manifest);
    return;
  }
  const rows = plainTable({
    head: ["document", "verified", "declared", "to be written"],
  });
  for (const { file, verified, declared, open } of files.filter(({ file: name }) => name.endsWith(".md")))
    rows.push([file, verified, declared, open]);
  print(rows.toString());
  print(
    "Verified: a control read it from the resources. Declared: the stack file says so. The rest is for people.",
  );
}

function classification({ stack, json }: { readonly stack: string; readonly json?: true }): void {
  const { riskClass } = readStack(STACKS_FOLDER, stack);
  const result = classify(riskClass);
  if (json === true) {
    printJson({ stack, declared: riskClass.level, ...result });
    return;
  }
  print(
    `${stack}: declared ${riskClass.level}; the answers lead to ${result.level}, from ${result.appliesFrom}`,
  );
  for (const reason of result.reasons) print(`  ${reason}`);
  print("The questions are the keys of riskClass: `llmops config explain riskClass`.");
}

/** `llmops compliance`: documents for reviewers, auditors and authorities. */
export function complianceCommand(): Command {
  const command = new Command("compliance").description("documents under the AI Act and the GDPR");
  command
    .command("pack")
    .description(
      "write classification, technical documentation, assessments and runbooks as Markdown and PDF",
    )
    .requiredOption("-s, --stack <stack>", "stack, for example acme-prod")
    .requiredOption("--out <folder>", "folder for the documents; files of the same names are replaced")
    .addOption(asOfOption())
    .option("--json", "print the manifest as JSON")
    .action(pack);
  command
    .command("classify")
    .description("the risk class that follows from the answers in the stack file")
    .requiredOption("-s, --stack <stack>", "stack, for example acme-prod")
    .option("--json", "print JSON")
    .action(classification);
  return command;
}
