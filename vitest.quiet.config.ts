import { defineConfig } from "vitest/config";
import { INSTALL, QUIET, SETTINGS } from "./vitest.e2e.config.ts";

/** Suites for a machine that does nothing else; `npm run test:e2e:quiet`. */
export default defineConfig({
  test: { ...SETTINGS, name: "quiet", globalSetup: INSTALL, include: [...QUIET], fileParallelism: false },
});
