import type { EvalCase } from "../evals/case.ts";
import { readDataSets } from "../evals/data-sets.ts";
import { readRun } from "../evals/run/journal.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER } from "./context.ts";

/** Cases of the data sets that the stack of a run asks. */
export function casesOf(run: string, suites: readonly string[]): readonly EvalCase[] {
  const { evaluation } = readStack(STACKS_FOLDER, readRun(run).head.stack);
  return readDataSets(suites, evaluation.dataSets).cases;
}
