#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

/** Oldest Node that runs the commands; `npx` may start an older one, while the project brings its own. */
const OLDEST = 22;

if (Number(process.versions.node.split(".")[0]) >= OLDEST) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./main.ts");
} else {
  const own = createRequire(import.meta.url).resolve("node/bin/node");
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
