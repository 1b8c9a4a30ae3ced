import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { parseStackText, stackFile, stackNames, UnknownStackError } from "../stacks/schema/stack-file.ts";
import { ForkError } from "./fork-error.ts";
import type { Template } from "./generate/stack-file.ts";
import { readRecord, type ForkRecord } from "./record.ts";

/** A stack with its configuration and, for a fork, how it was made. */
export interface ClientStack {
  readonly stack: string;
  readonly config: PlatformConfig;
  readonly text: string;
  readonly record: ForkRecord | undefined;
}

/** A stack that `llmops fork` made. */
export type ForkedStack = ClientStack & { readonly record: ForkRecord };

/** Path of a stack's file below the root. */
export function stackPath(stack: string): string {
  return stackFile("stacks", stack);
}

/** A stack as something to fork from. @throws UnknownStackError when there is none */
export function templateOf(root: string, stacks: readonly ClientStack[], stack: string): Template {
  const found = stacks.find((each) => each.stack === stack);
  if (found === undefined)
    throw new UnknownStackError(
      `there is no stack '${stack}' (${stackPath(stack)} does not exist); stacks: ${stacks.map((each) => each.stack).join(", ")}`,
    );
  const { text, config } = found;
  return { stack, file: stackPath(stack), text, config, prompts: join(root, "prompts") };
}

/** One stack of a repository. @throws ConfigError, ForkError when it cannot be read */
export function stackOf(root: string, stack: string): ClientStack {
  const text = readFileSync(join(root, stackPath(stack)), "utf8");
  return { stack, text, config: parseStackText(text, stackPath(stack)), record: readRecord(root, stack) };
}

/** Every stack of a repository, by name. @throws ConfigError, ForkError for the first that cannot be read */
export function stacksOf(root: string): ClientStack[] {
  return stackNames(join(root, "stacks")).map((stack) => stackOf(root, stack));
}

/**
 * Forked stacks of a client.
 * @throws ForkError when there is no such client, or `llmops fork` made none of its stacks
 */
export function forksOf(all: readonly ClientStack[], client: string): ForkedStack[] {
  const own = all.filter(({ config }) => config.client === client);
  if (own.length === 0)
    throw new ForkError(
      `there is no client '${client}'; there is ${[...new Set(all.map(({ config }) => config.client))].join(", ")}`,
    );
  const forks = own.flatMap((each) => (each.record === undefined ? [] : [{ ...each, record: each.record }]));
  if (forks.length === 0)
    throw new ForkError(
      `no stack of '${client}' was made by \`llmops fork\` (stacks/clients has no record of ${own.map(({ stack }) => stack).join(", ")})`,
    );
  return forks;
}

/** Names of the files in a folder below the root; none when it is not there. */
export function filesIn(root: string, folder: string): string[] {
  const path = join(root, folder);
  return existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort()
    : [];
}
