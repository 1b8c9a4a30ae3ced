import { relative } from "node:path";
import type { TestSequencer, TestSpecification, Vitest } from "vitest/node";
import { lastResults } from "./results.ts";

/** Starts with the suite that took longest last time, so that no worker is left with it at the end; with unknown ones before. */
export class LongestFirst implements TestSequencer {
  readonly #root: string;

  constructor({ config }: Vitest) {
    this.#root = config.root;
  }

  /** Order in which the suites of a project start. */
  sort(files: TestSpecification[]): TestSpecification[] {
    const results = lastResults(this.#root);
    const seconds = ({ moduleId }: TestSpecification): number =>
      results.get(relative(this.#root, moduleId))?.seconds ?? Number.MAX_VALUE;
    return files.toSorted((a, b) => seconds(b) - seconds(a));
  }

  /** @throws Error always: the table of results is one, and so is the run that writes it */
  shard(): TestSpecification[] {
    throw new Error("--shard: the end-to-end suites run in one piece; name the files to run instead");
  }
}
