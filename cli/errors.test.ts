import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { ERRORS_FOR_THE_USER } from "./program.ts";

const ROOT = join(import.meta.dirname, "..");

/** Errors that are loaded with the commands and never reach whoever types one, with who takes care of each. */
const NOT_FOR_THE_USER: Readonly<Record<string, string>> = {
  ApiError: "the local engine answers it as a status of HTTP",
  AuditUnavailableError: "the gateway answers 503",
  BrokenStreamError: "the gateway ends the stream and records it",
  ContentNotKeptError: "the gateway answers 503 and records it",
  Fault: "canonical JSON turns it into NotCanonicalError",
  LimitsUnavailableError: "the gateway answers 503",
  NotCanonicalError: "a record that the gateway's own code built wrongly: a defect",
  ObjectConflictError: "the shipper of the gateway counts and reports it",
  UnusableSchemaError: "the gateway answers 400",
  UsageError: "the audit command prints it itself",
};

/** Files a module imports, also lazily; packages are left out. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import\(|import)\s*"(\.{1,2}\/[^"]+\.ts)"/g)]
    .map(([, path = ""]) => join(dirname(file), path))
    .filter((path) => existsSync(path));
}

/** Every file the commands load, whether at once or when one of them is asked for. */
function filesBelow(entry: string): Set<string> {
  const seen = new Set([entry]);
  for (const file of seen) for (const next of importsOf(file)) seen.add(next);
  return seen;
}

/** Names of error classes by the files that define them. */
function errorClasses(files: Iterable<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of files)
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(
      /^(?:export )?class (\w+) extends \w*Error\b/gm,
    ))
      found.set(name, [...(found.get(name) ?? []), relative(ROOT, file)]);
  return found;
}

const files = filesBelow(join(import.meta.dirname, "program.ts"));
const classes = errorClasses(files);

describe("errors of the commands", () => {
  it("are found in every part the commands are made of", () => {
    expect(files.size).toBeGreaterThan(200);
    expect(classes.get("UnknownPriceError")).toEqual(["plan/cost.ts"]);
    expect(classes.get("CronError")).toEqual(["simulation/cron.ts"]);
  });

  it("are shown as a line, not as a defect with its stack", () => {
    const shown = new Set([...ERRORS_FOR_THE_USER, "ConfigError", ...Object.keys(NOT_FOR_THE_USER)]);
    expect([...classes.keys()].filter((name) => !shown.has(name)).sort()).toEqual([]);
  });

  it("that are listed exist, once each", () => {
    const listed = [...ERRORS_FOR_THE_USER, ...Object.keys(NOT_FOR_THE_USER)];
    expect(listed.filter((name) => classes.get(name)?.length !== 1)).toEqual([]);
  });
});
