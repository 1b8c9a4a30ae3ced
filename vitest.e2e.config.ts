import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/e2e/longest-first.ts";

/** Kept apart, because they want a machine that does nothing else: `npm run test:e2e:quiet` runs them. */
export const QUIET = ["test/e2e/autoscaling.test.ts"] as const;

/**
 * Suites that wait more than they compute: for clusters, servers, streams of a minute, watches. They run beside one another, and
 * before the others: time is the subject of the long ones, and a busy neighbour would be part of what they see.
 */
const WAITING = [
  "test/e2e/canary.test.ts",
  "test/e2e/drain.test.ts",
  "test/e2e/gateway/cloud-storage.test.ts",
  "test/e2e/gateway/delivery.test.ts",
  "test/e2e/gateway/redis.test.ts",
  "test/e2e/gateway/stores.test.ts",
  "test/e2e/label-studio.test.ts",
  "test/e2e/ladder.test.ts",
  "test/e2e/loops.test.ts",
  "test/e2e/mlflow.test.ts",
  "test/e2e/receivers.test.ts",
  "test/e2e/rollouts.test.ts",
  "test/e2e/workflows.test.ts",
] as const;

/** As many as there are long ones, on two cores or more. */
const WAITING_AT_ONCE = 5;

/** Makes what the suites of a project start, by the project's name; the root has none and starts nothing. */
export const INSTALL = "test/e2e/install.ts";

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
          name: "waiting",
          globalSetup: INSTALL,
          include: [...WAITING],
          sequence: { groupOrder: 1 },
          maxWorkers: WAITING_AT_ONCE,
        },
      },
      {
        extends: true,
        test: {
          name: "computing",
          globalSetup: INSTALL,
          include: ["test/e2e/**/*.test.ts"],
          exclude: [...QUIET, ...WAITING],
          sequence: { groupOrder: 2 },
          // They wait a part of their time as well, for programs to start.
          maxWorkers: availableParallelism() + 1,
        },
      },
    ],
  },
});
