import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { InvalidArgumentError } from "commander";
import { progress } from "./context.ts";

/**
 * Text of a file somebody named.
 * @throws InvalidArgumentError naming the file that cannot be read
 */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new InvalidArgumentError(`${path}: cannot be read`);
  }
}

/**
 * Content of a JSON file somebody named.
 * @throws InvalidArgumentError naming the file that cannot be read or is not JSON
 */
export function jsonOf(path: string): unknown {
  const text = textOf(path);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError(`${path}: this is not JSON`);
  }
}

/** Writes a file, with the folders it is in, and says so. */
export function writeFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  progress(`wrote ${path}`);
}
