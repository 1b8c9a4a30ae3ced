#!/usr/bin/env node
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { scheduledConfig } from "../cluster/config.ts";
import { evaluateOnce } from "../cluster/scheduled.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write(
    "usage: evaluate <configuration file>\n  exit codes  0 passed, 1 not passed, 2 could not run\n",
  );
  process.exit(2);
}
const stop = new AbortController();
process.once("SIGTERM", () => {
  stop.abort();
});
try {
  const config = scheduledConfig(JSON.parse(readFileSync(file, "utf8")));
  const reports = await evaluateOnce(config, { id: randomUUID(), signal: stop.signal });
  for (const { model, decision, completeness, samples, reasons } of reports)
    process.stdout.write(`${JSON.stringify({ model, decision, completeness, samples, reasons })}\n`);
  process.exitCode = reports.every(({ decision }) => decision === "passed") ? 0 : 1;
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
