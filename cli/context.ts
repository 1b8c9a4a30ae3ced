import { fileURLToPath } from "node:url";

/** Folder with the stack files; the repository's own `stacks/`. */
export const STACKS_FOLDER = fileURLToPath(new URL("../stacks", import.meta.url));

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
