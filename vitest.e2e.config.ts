import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/e2e/longest-first.ts";

/** Kept apart, because they want a machine that does nothing else: `npm run test:e2e:quiet` runs them. */
export const QUIET = ["test/e2e/autoscaling.test.ts"] as const;

/** Suites whose subject is time: a neighbour's load would be part of what they see. They run last, one after the other. */
const ALONE = ["test/e2e/drain.test.ts", "test/e2e/loops.test.ts"] as const;

/** What every end-to-end suite has in common. */
export const SETTINGS = {
  reporters: ["default", "./test/e2e/table-reporter.ts"],
  testTimeout: 300_000,
  hookTimeout: 3_600_000,
};

export default defineConfig({
  test: {
    ...SETTINGS,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/e2e/**/*.test.ts"],
          exclude: [...QUIET, ...ALONE],
          maxWorkers: "100%",
        },
      },
      { extends: true, test: { name: "alone", include: [...ALONE], fileParallelism: false } },
    ],
  },
});
