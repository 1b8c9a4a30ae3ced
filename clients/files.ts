import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ForkError } from "./fork-error.ts";

/** A file to write. */
export interface FileToWrite {
  /** Path below the root. */
  readonly path: string;
  readonly text: string;
  /** `new` refuses to overwrite. */
  readonly mode: "new" | "replace";
}

/**
 * Writes all files or none: each beside its place first, then renamed into it. When one fails, or `check` throws, everything is
 * as it was before.
 * @param check looks at what was written
 * @throws ForkError when a new file exists already, and whatever the file system or `check` throws
 */
export function writeAll(
  root: string,
  files: readonly FileToWrite[],
  check: () => void = () => undefined,
): void {
  const undo: (() => void)[] = [];
  try {
    const staged = files.map(({ path, text, mode }) => {
      const target = join(root, path);
      if (mode === "new" && existsSync(target))
        throw new ForkError(`${path} exists already; move it away or choose another name`);
      const made = mkdirSync(dirname(target), { recursive: true });
      if (made !== undefined)
        undo.push(() => {
          rmSync(made, { recursive: true, force: true });
        });
      const beside = `${target}.${process.pid}.tmp`;
      undo.push(() => {
        rmSync(beside, { force: true });
      });
      writeFileSync(beside, text, { flag: "wx" });
      return { beside, target };
    });
    for (const { beside, target } of staged) {
      const before = existsSync(target) ? readFileSync(target) : undefined;
      renameSync(beside, target);
      undo.push(() => {
        if (before === undefined) rmSync(target, { force: true });
        else writeFileSync(target, before);
      });
    }
    check();
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}
