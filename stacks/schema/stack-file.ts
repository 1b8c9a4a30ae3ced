import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { parsePlatform } from "./parse.ts";
import { readPipeline, retentionProblems } from "./pipeline-file.ts";
import type { PlatformConfig } from "./platform.ts";
import { showValue, type ConfigProblem } from "./problem.ts";
import { didYouMean } from "./suggest.ts";
import { YamlSource, toKeys, type LocatedProblem } from "./yaml-source.ts";

/** Configuration key that holds the platform object in a stack file. */
export const CONFIG_KEY = "llmops:platform";

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

function locatedIn(source: YamlSource, problem: ConfigProblem): LocatedProblem {
  return {
    file: source.file,
    ...source.placeOf(["config", CONFIG_KEY, ...toKeys(problem.path)]),
    ...problem,
  };
}

/**
 * Parses the text of a stack file.
 * @throws ConfigError with every problem and its line.
 */
export function parseStackText(text: string, file: string): PlatformConfig {
  const source = new YamlSource(text, file);
  if (source.syntax.length > 0) throw new ConfigError(source.syntax);
  const locate = (problem: ConfigProblem): LocatedProblem => locatedIn(source, problem);
  const content = source.content;
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
    ...source.placeOf(["config", key]),
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
 * Reads and parses one stack's file and the pipeline file it names.
 * @throws UnknownStackError when there is no such file; ConfigError when one of them is invalid.
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
  const text = readFileSync(file, "utf8");
  const shown = relative(process.cwd(), file);
  const config = parseStackText(text, shown);
  const monitored = readPipeline(config.observability.pipeline);
  if (monitored.kind === "invalid") throw new ConfigError(monitored.problems);
  const short = retentionProblems(config.observability.metricsRetentionDays, monitored.pipeline);
  if (short.length > 0) {
    const source = new YamlSource(text, shown);
    throw new ConfigError(short.map((problem) => locatedIn(source, problem)));
  }
  return config;
}
