import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { LineCounter, isMap, parseDocument, type Document } from "yaml";
import { parsePlatform } from "./parse.ts";
import type { PlatformConfig } from "./platform.ts";
import { showValue, type ConfigProblem } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

/** Configuration key that holds the platform object in a stack file. */
export const CONFIG_KEY = "llmops:platform";

/** A problem with its place in the file. */
export interface LocatedProblem extends ConfigProblem {
  /** Stack file, relative to the working directory. */
  readonly file: string;
  /** Line, from 1; the nearest existing parent when the key is missing. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/** A stack file is not a valid configuration; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly LocatedProblem[];

  constructor(problems: readonly LocatedProblem[]) {
    super(formatProblems(problems));
    this.problems = problems;
  }
}

/** The stack named on the command line has no file. */
export class UnknownStackError extends Error {
  override readonly name = "UnknownStackError";
}

/** Problems as text: place, key, value, reason, fix. */
export function formatProblems(problems: readonly LocatedProblem[]): string {
  const blocks = problems.map(({ file, line, column, path, value, reason, fix }) =>
    [
      `${file}:${line}:${column}  ${path === "" ? CONFIG_KEY : path} = ${value}`,
      `  problem: ${reason}`,
      `  fix:     ${fix}`,
    ].join("\n"),
  );
  const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  return [...blocks, `${count} in the configuration; nothing was deployed or planned.`].join("\n\n");
}

/** Stack names that have a file in a folder, sorted. */
export function stackNames(folder: string): string[] {
  return readdirSync(folder)
    .flatMap((file) => /^Pulumi\.(?<stack>.+)\.yaml$/.exec(file)?.groups?.["stack"] ?? [])
    .sort();
}

/** Path of a stack's file. */
export function stackFile(folder: string, stack: string): string {
  return join(folder, `Pulumi.${stack}.yaml`);
}

function toKeys(path: string): (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) =>
    index === undefined ? (name ?? "") : Number(index),
  );
}

/** Offset of the deepest existing node on a key path. */
function offsetOf(document: Document.Parsed, keys: readonly (string | number)[]): number {
  for (let length = keys.length; length > 0; length--) {
    const upTo = keys.slice(0, length);
    const parent = document.getIn(upTo.slice(0, -1), true) ?? document.contents;
    const last = upTo.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => String(item.key) === String(last));
      const key = pair?.key as { range?: [number, number, number] } | undefined;
      if (key?.range !== undefined) return key.range[0];
    } else {
      const node = document.getIn(upTo, true) as { range?: [number, number, number] } | undefined;
      if (node?.range !== undefined) return node.range[0];
    }
  }
  return 0;
}

/**
 * Parses the text of a stack file.
 * @throws ConfigError with every problem and its line.
 */
export function parseStackText(text: string, file: string): PlatformConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const locate = (problem: ConfigProblem): LocatedProblem => ({
    file,
    ...at(offsetOf(document, ["config", CONFIG_KEY, ...toKeys(problem.path)])),
    ...problem,
  });
  const syntax = document.errors.map((error) => ({
    file,
    ...at(error.pos[0]),
    path: "",
    value: "(not YAML)",
    reason: error.message.split("\n")[0] ?? error.message,
    fix: "correct the YAML syntax",
  }));
  if (syntax.length > 0) throw new ConfigError(syntax);
  const content: unknown = document.toJS();
  const config = (content as { config?: Record<string, unknown> } | null)?.config;
  if (typeof config !== "object") {
    throw new ConfigError([
      locate({
        path: "",
        value: showValue(config),
        reason: "the file has no 'config' mapping",
        fix: `start it with 'config:' and '${CONFIG_KEY}:' below it`,
      }),
    ]);
  }
  const strangers = Object.keys(config).filter((key) => key.startsWith("llmops:") && key !== CONFIG_KEY);
  const meant = strangers.map((key) => didYouMean(key, [CONFIG_KEY]));
  const strange = strangers.map((key, index) => ({
    file,
    ...at(offsetOf(document, ["config", key])),
    path: key,
    value: showValue(config[key]),
    reason: `unknown configuration key '${key}'`,
    fix: meant[index] === undefined ? `only '${CONFIG_KEY}' is read` : `did you mean '${CONFIG_KEY}'?`,
  }));
  const result = parsePlatform(config[CONFIG_KEY]);
  const problems = [...strange, ...(result.kind === "invalid" ? result.problems.map(locate) : [])];
  if (result.kind === "invalid" || problems.length > 0) throw new ConfigError(problems);
  return result.config;
}

/**
 * Reads and parses one stack's file.
 * @throws UnknownStackError when there is no such file; ConfigError when it is invalid.
 */
export function readStack(folder: string, stack: string): PlatformConfig {
  const names = stackNames(folder);
  if (!names.includes(stack)) {
    const meant = didYouMean(stack, names);
    const hint =
      meant === undefined
        ? `stacks: ${names.join(", ")}`
        : `did you mean '${meant}'? Stacks: ${names.join(", ")}`;
    throw new UnknownStackError(
      `there is no stack '${stack}' (${stackFile(relative(process.cwd(), folder), stack)} does not exist); ${hint}`,
    );
  }
  const file = stackFile(folder, stack);
  return parseStackText(readFileSync(file, "utf8"), relative(process.cwd(), file));
}
