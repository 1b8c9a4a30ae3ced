import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/e2e/**", "out/**", ".cache/**"],
    // The SDKs of the clouds are large: a worker loads them once, not once for each suite.
    isolate: false,
    // One worker a core: vitest itself leaves one idle, which on two cores is half of the machine.
    maxWorkers: "100%",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
