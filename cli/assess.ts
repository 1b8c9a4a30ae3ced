import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command, InvalidArgumentError } from "commander";
import { parse } from "yaml";
import { AnswersError, questions, readAnswers } from "../assessment/questions.ts";
import { SizingError, sizingOf } from "../assessment/sizing.ts";
import { pipelineFileOf, startingPoint } from "../assessment/starting-point.ts";
import { parsePipelineText } from "../stacks/schema/pipeline-file.ts";
import { ConfigError, parseStackText } from "../stacks/schema/stack-file.ts";
import { EXIT, print, printJson, progress } from "./context.ts";

interface AssessOptions {
  readonly answers?: string;
  readonly set?: string[];
  readonly out: string;
  readonly json?: true;
}

const ROOT = resolve(import.meta.dirname, "..");

/** Asks on the terminal; an empty line takes the default. */
async function interview(): Promise<Record<string, string>> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const given: Record<string, string> = {};
  try {
    for (const { key, text, byDefault, choices } of questions()) {
      const among = choices.length === 0 ? "" : ` (${choices.join(", ")})`;
      const answer = await terminal.question(
        `${text}${among}${byDefault === undefined ? "" : ` [${byDefault}]`}: `,
      );
      if (answer.trim() !== "") given[key] = answer.trim();
    }
  } finally {
    terminal.close();
  }
  return given;
}

function settings(set: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    set.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new InvalidArgumentError(`--set '${pair}' is not key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function given({ answers, set = [] }: AssessOptions): Promise<{ input: unknown; source: string }> {
  if (answers === undefined && set.length === 0) return { input: await interview(), source: "answers" };
  const file: unknown = answers === undefined ? {} : parse(readFileSync(answers, "utf8"));
  const own = settings(set);
  const isMapping = typeof file === "object" && file !== null && !Array.isArray(file);
  return { input: isMapping ? { ...file, ...own } : file, source: answers ?? "--set" };
}

function write(file: string, text: string): void {
  if (existsSync(file))
    throw new InvalidArgumentError(
      `${relative(process.cwd(), file)} exists; move it away or choose another --out`,
    );
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { flag: "wx" });
}

async function run(options: AssessOptions): Promise<void> {
  const out = resolve(options.out);
  const { input, source } = await given(options);
  try {
    const answers = readAnswers(input, source);
    const pipelineFile = join(out, pipelineFileOf(answers));
    const fromRoot = relative(ROOT, pipelineFile);
    const named = fromRoot.startsWith("..") || isAbsolute(fromRoot) ? pipelineFile : fromRoot;
    const start = startingPoint(answers, sizingOf(answers), named);
    const stackFile = join(out, "stacks", `Pulumi.${start.stack}.yaml`);
    const pipeline = parsePipelineText(start.pipelineText, pipelineFile);
    if (pipeline.kind === "invalid") throw new ConfigError(pipeline.problems);
    write(pipelineFile, start.pipelineText);
    // The same check as `llmops config check`; what answers cannot express is refused with its key.
    parseStackText(start.stackText, stackFile);
    write(stackFile, start.stackText);
    if (options.json === true) printJson({ stack: start.stack, files: [stackFile, pipelineFile], answers });
    else {
      print(`wrote ${relative(process.cwd(), stackFile)} and ${relative(process.cwd(), pipelineFile)}`);
      print(`next: replace the zeros, read the reasons, npx llmops plan -s ${start.stack}`);
    }
  } catch (error) {
    if (!(error instanceof AnswersError || error instanceof SizingError)) throw error;
    progress(error.message);
    process.exitCode = EXIT.findings;
  }
}

/** `llmops assess`: from answers about the use case to a configuration to start from. */
export function assessCommand(): Command {
  return new Command("assess")
    .description(
      "ask about use case, load, data, risk and budget, and write a stack file and a pipeline file to start from",
    )
    .option(
      "--answers <file>",
      "YAML file with the answers; without it and without --set, questions are asked",
    )
    .option("--set <key=value...>", "answers on the command line, before those of the file")
    .option("--out <folder>", "root of the repository, or another folder", ROOT)
    .option("--json", "print JSON")
    .action(run);
}
