import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { stringify } from "yaml";
import { compilePipeline } from "../monitoring/compile.ts";
import type { CompiledAlert } from "../monitoring/compiled.ts";
import { coveragePage, FAILURE_MODES } from "../monitoring/coverage.ts";
import { pipelineOf } from "../stacks/pipeline.ts";
import { DEFAULT_PIPELINE, pipelineJsonSchema, readPipeline } from "../stacks/schema/pipeline-file.ts";
import { ConfigError, formatProblems, readStack } from "../stacks/schema/stack-file.ts";
import { EXIT, STACKS_FOLDER, print, printJson } from "./context.ts";

/** JSON Schema beside the declarative file, from the root of the repository. */
const PIPELINE_SCHEMA_FILE = "monitoring/llm-pipeline.schema.json";

/** Page about failures and alerts, from the root of the repository. */
const COVERAGE_PAGE = "docs/alert-coverage.md";

/** Alerts of the shipped pipeline file; they are the same for every environment. */
function shippedAlerts(): readonly CompiledAlert[] {
  const result = readPipeline(DEFAULT_PIPELINE);
  if (result.kind === "invalid") throw new ConfigError(result.problems);
  return compilePipeline(result.pipeline, { budgetUsd: 0, pools: [], models: [] }).alerts;
}

interface CheckOptions {
  readonly stack?: string;
  readonly file?: string;
  readonly json?: true;
}

function check({ stack, file, json }: CheckOptions): void {
  if (stack !== undefined && file !== undefined)
    throw new InvalidArgumentError("give --stack or --file, not both");
  const target =
    stack === undefined ? (file ?? DEFAULT_PIPELINE) : readStack(STACKS_FOLDER, stack).observability.pipeline;
  const result = readPipeline(target);
  if (json === true)
    printJson(
      result.kind === "valid"
        ? { target, status: "valid" }
        : { target, status: "invalid", problems: result.problems },
    );
  else print(result.kind === "valid" ? `${target}: valid` : formatProblems(result.problems));
  if (result.kind === "invalid") process.exitCode = EXIT.findings;
}

/** `llmops pipeline`: the declarative file of objectives, detectors, alerts and loops. */
export function pipelineCommand(): Command {
  const command = new Command("pipeline").description(
    "the declarative file of objectives, drift detectors, alerts and loops",
  );
  command
    .command("check")
    .description("report every problem of a pipeline file with line, key, value, reason and fix")
    .option("-s, --stack <stack>", "the file this stack names")
    .option("-f, --file <path>", `a file from the root of the repository (default: ${DEFAULT_PIPELINE})`)
    .option("--json", "print JSON")
    .action(check);
  command
    .command("compile")
    .description("print the rules a stack's pipeline file becomes, as Prometheus reads them")
    .requiredOption("-s, --stack <stack>", "stack, for example acme-prod")
    .option("--json", "print everything that is compiled: rules, objectives, metrics, detectors, alerts")
    .action(({ stack, json }: { readonly stack: string; readonly json?: true }) => {
      const compiled = pipelineOf(readStack(STACKS_FOLDER, stack));
      if (json === true) printJson(compiled);
      else process.stdout.write(stringify({ groups: compiled.groups }, { lineWidth: 0 }));
    });
  command
    .command("coverage")
    .description("print which failure raises which alert and loop, or write the page about it")
    .option("--write", `write ${COVERAGE_PAGE}`)
    .option("--json", "print JSON")
    .action(({ write, json }: { readonly write?: true; readonly json?: true }) => {
      const text = coveragePage(shippedAlerts());
      if (json === true) printJson(FAILURE_MODES);
      else if (write === true) {
        writeFileSync(join(STACKS_FOLDER, "..", COVERAGE_PAGE), text);
        print(`wrote ${COVERAGE_PAGE}`);
      } else process.stdout.write(text);
    });
  command
    .command("schema")
    .description("print the JSON Schema of a pipeline file, or write it where the editors look for it")
    .option("--write", `write ${PIPELINE_SCHEMA_FILE}`)
    .action(({ write }: { readonly write?: true }) => {
      const text = `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;
      if (write === true) {
        writeFileSync(join(STACKS_FOLDER, "..", PIPELINE_SCHEMA_FILE), text);
        print(`wrote ${PIPELINE_SCHEMA_FILE}`);
      } else process.stdout.write(text);
    });
  return command;
}
