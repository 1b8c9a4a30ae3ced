import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** File that keeps the last result of every suite. */
export function resultsFile(root: string): string {
  return join(root, "docs", "e2e-results.json");
}

/** Last result of a suite. */
export interface Result {
  /** Path from the root. */
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly rounds: number;
  readonly figures: readonly string[];
  readonly seconds: number;
  readonly date: string;
  /** Cores of the machine and its load over the last minute when the file ended. */
  readonly cores: number;
  readonly load: number;
}

/** Results of the runs so far, by file. */
export function lastResults(root: string): Map<string, Result> {
  const file = resultsFile(root);
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Result[]) : [];
  return new Map(known.map((result) => [result.file, result]));
}
