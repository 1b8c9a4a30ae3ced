import { defineConfig } from "vitest/config";

/** Not part of the suite until they pass; `npm run test:e2e:open` runs them. */
export const OPEN = [
  "test/e2e/autoscaling.test.ts",
  "test/e2e/simulator.test.ts",
  "test/e2e/rollouts.test.ts",
  "test/e2e/canary.test.ts",
  "test/e2e/workflows.test.ts",
] as const;

export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    exclude: [...OPEN],
    reporters: ["default", "./test/e2e/table-reporter.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 1_800_000,
  },
});
