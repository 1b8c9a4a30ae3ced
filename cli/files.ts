import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";

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
