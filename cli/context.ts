import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, Option } from "commander";
import { ROOT } from "./git.ts";

/** Folder with the stack files; the repository's own `stacks/`. */
export const STACKS_FOLDER = fileURLToPath(new URL("../stacks", import.meta.url));

/** Version of the blueprint. */
export const { version: VERSION } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { readonly version: string };

/** Exit codes of every command, documented in docs/cli.md. */
export const EXIT = {
  /** Done, nothing to complain about. */
  ok: 0,
  /** The input was read and something in it is wrong: configuration, budget or policy. */
  findings: 1,
  /** The command could not be carried out: bad arguments, missing file, defect. */
  failure: 2,
} as const;

/** Writes one line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes JSON with sorted layout to standard output. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Writes progress to standard error, so that standard output stays machine-readable. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Option for the day exemptions, declarations and prices are judged on.
 * @throws InvalidArgumentError when the value is no date
 */
export function asOfOption(): Option {
  return new Option("--as-of <date>", "day to judge exemptions, declarations, prices and ends of services on")
    .default(new Date().toISOString(), "today")
    .argParser((value) => {
      const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : NaN;
      if (Number.isNaN(time)) throw new InvalidArgumentError(`'${value}' is not a date such as 2026-11-24`);
      return new Date(time).toISOString();
    });
}

/** Option for the repository that commands about clients read and write. */
export function repositoryOption(): Option {
  return new Option("--repository <folder>", "another checkout of this version").default(ROOT, "this one");
}
