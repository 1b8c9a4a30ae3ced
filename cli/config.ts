import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { endingsOf, formatEnding, type Ending } from "../stacks/schema/endings.ts";
import { explain } from "../stacks/schema/explain.ts";
import { stackFileJsonSchema } from "../stacks/schema/json-schema.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { ConfigError, parseStackText, readStack, stackNames } from "../stacks/schema/stack-file.ts";
import type { LocatedProblem } from "../stacks/schema/yaml-source.ts";
import { asOfOption, EXIT, STACKS_FOLDER, print, printJson } from "./context.ts";

/** Name of the generated JSON Schema in the stacks folder. */
export const SCHEMA_FILE = "platform.schema.json";

interface CheckOptions {
  readonly stack?: string;
  readonly file?: string;
  readonly asOf: string;
  readonly json?: true;
}

type CheckResult =
  | { readonly target: string; readonly status: "valid"; readonly endings: readonly Ending[] }
  | { readonly target: string; readonly status: "invalid"; readonly problems: readonly LocatedProblem[] };

function checkOne(target: string, asOf: string, read: () => PlatformConfig): CheckResult {
  try {
    return { target, status: "valid", endings: endingsOf(read(), asOf) };
  } catch (error) {
    if (error instanceof ConfigError) return { target, status: "invalid", problems: error.problems };
    throw error;
  }
}

function check(options: CheckOptions): void {
  const { file, asOf } = options;
  const results =
    file === undefined
      ? (options.stack === undefined ? stackNames(STACKS_FOLDER) : [options.stack]).map((stack) =>
          checkOne(stack, asOf, () => readStack(STACKS_FOLDER, stack)),
        )
      : [checkOne(file, asOf, () => parseStackText(readFileSync(file, "utf8"), file))];
  if (options.json === true) printJson(results);
  else
    for (const result of results) {
      if (result.status === "valid") {
        print(`${result.target}: valid`);
        for (const ending of result.endings)
          print(`  ${ending.state === "over" ? "error" : "warning"}: ${formatEnding(ending)}`);
      } else print(`${result.target}: invalid\n\n${new ConfigError(result.problems).message}\n`);
    }
  const isWrong = (result: CheckResult): boolean =>
    result.status === "invalid" || result.endings.some(({ state }) => state === "over");
  if (results.some(isWrong)) process.exitCode = EXIT.findings;
}

/** `llmops config`: check, explain and export the configuration's schema. */
export function configCommand(): Command {
  const command = new Command("config").description("check and explain the stack files");
  command
    .command("check")
    .description(
      "parse one stack file, or all of them, and report every problem with file, line, key, reason and fix",
    )
    .option("-s, --stack <stack>", "only this stack (default: all)")
    .option("-f, --file <path>", "a stack file anywhere")
    .addOption(asOfOption())
    .option("--json", "print JSON")
    .action(check);
  command
    .command("explain")
    .description("describe a key, its form, default and children, for example `models[].gpu`")
    .argument("[key]", "key path below llmops:platform (default: the top level)", "")
    .option("--json", "print JSON")
    .action((key: string, options: { readonly json?: true }) => {
      const found = explain(key);
      if (options.json === true) printJson(found);
      else {
        print(`${found.key === "" ? "llmops:platform" : found.key}: ${found.form}`);
        if (found.description !== undefined) print(`  ${found.description}`);
        if (found.default !== undefined) print(`  default: ${JSON.stringify(found.default)}`);
        for (const child of found.children)
          print(
            `  - ${child.name}${child.required ? " (required)" : ""}: ${child.form}${child.description === undefined ? "" : ` - ${child.description}`}`,
          );
      }
    });
  command
    .command("schema")
    .description("print the JSON Schema of a stack file, or write it where the editors look for it")
    .option("--write", `write stacks/${SCHEMA_FILE}`)
    .action((options: { readonly write?: true }) => {
      const text = `${JSON.stringify(stackFileJsonSchema(), null, 2)}\n`;
      if (options.write === true) {
        writeFileSync(join(STACKS_FOLDER, SCHEMA_FILE), text);
        print(`wrote stacks/${SCHEMA_FILE}`);
      } else process.stdout.write(text);
    });
  return command;
}
