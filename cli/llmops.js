#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import module from "node:module";

/** Oldest Node that reads TypeScript without a warning; `npx` may start an older one, while the project brings its own. */
const OLDEST = 24;

if (Number(process.versions.node.split(".")[0]) >= OLDEST) {
  module.enableCompileCache();
  await import("./main.ts");
} else {
  const own = module.createRequire(import.meta.url).resolve("node/bin/node");
  const { status, error } = spawnSync(
    own,
    [import.meta.filename ?? new URL(import.meta.url).pathname, ...process.argv.slice(2)],
    {
      stdio: "inherit",
    },
  );
  if (error !== undefined)
    console.error(
      `error: Node ${process.versions.node} is too old and the project's own cannot be started: ${error.message}`,
    );
  process.exitCode = status ?? 1;
}
