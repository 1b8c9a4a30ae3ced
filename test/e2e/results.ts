import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Root of the repository. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** File that keeps the last result of every suite. */
export const RESULTS = join(ROOT, "docs", "e2e-results.json");

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
export function lastResults(): Map<string, Result> {
  const known = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, "utf8")) as Result[]) : [];
  return new Map(known.map((result) => [result.file, result]));
}
