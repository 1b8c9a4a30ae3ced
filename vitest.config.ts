import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/e2e/**", "out/**", ".cache/**"],
    // The SDKs of the clouds are large: a worker loads them once, not once for each suite.
    isolate: false,
    // One worker more than cores: suites of servers wait a part of their time.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
