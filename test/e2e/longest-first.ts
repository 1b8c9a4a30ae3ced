import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { lastResults } from "./results.ts";

/** Starts with the suite that took longest last time, so that no worker is left with it at the end; with unknown ones before. */
export class LongestFirst extends BaseSequencer {
  /** Order in which the suites of a project start. */
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const results = lastResults(root);
    const seconds = ({ moduleId }: TestSpecification): number =>
      results.get(relative(root, moduleId))?.seconds ?? Number.MAX_VALUE;
    return Promise.resolve(files.toSorted((a, b) => seconds(b) - seconds(a)));
  }
}
