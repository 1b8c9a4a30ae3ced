import { defineConfig } from "vitest/config";

/** Suites that replace a module for everybody who imports it. */
const REPLACING = ["site/commands.test.ts"] as const;

export default defineConfig({
  test: {
    exclude: ["**/node_modules/**", "test/e2e/**", "out/**", ".cache/**"],
    // One worker a core: vitest itself leaves one idle, which on two cores is half of the machine.
    maxWorkers: "100%",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: ["**/*.test.ts"],
          exclude: [...REPLACING],
          // The SDKs of the clouds are large: a worker loads them once, not once for each suite.
          isolate: false,
        },
      },
      { extends: true, test: { name: "isolated", include: [...REPLACING] } },
    ],
  },
});
