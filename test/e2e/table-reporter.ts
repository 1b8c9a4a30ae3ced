import { writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join, relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { lastResults, resultsFile, type Result } from "./results.ts";
import { SCENARIOS } from "./scenarios.ts";

declare module "vitest" {
  interface TaskMeta {
    /** Times the test repeats what it proves. @default 1 */
    rounds?: number;
    /** What was measured, in words. */
    figures?: string;
  }
}

const ROOT = join(import.meta.dirname, "..", "..");
const PAGE = join(ROOT, "docs", "e2e-results.md");

function roundsOf(tests: readonly TestCase[]): number {
  return tests.reduce((sum, test) => sum + (test.meta().rounds ?? 1), 0);
}

function rowOf(module: TestModule): Result | undefined {
  const tests = [...module.children.allTests()].filter((test) => test.result().state !== "skipped");
  if (tests.length === 0 && module.state() !== "failed") return undefined;
  const passed = tests.filter((test) => test.result().state === "passed");
  return {
    file: relative(ROOT, module.moduleId),
    passed: passed.length,
    // A file that cannot start has failed as well.
    failed: Math.max(tests.length - passed.length, module.state() === "failed" && tests.length === 0 ? 1 : 0),
    rounds: roundsOf(tests),
    figures: tests.flatMap((test) => test.meta().figures ?? []),
    seconds: Math.round(module.diagnostic().duration / 1000),
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    load: Math.round(loadavg()[0] ?? 0),
  };
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** The page: one row for each scenario, in the order of `scenarios.ts`, also for those that never ran. */
function render(rows: ReadonlyMap<string, Result>): string {
  const body = SCENARIOS.map(({ file, scenario, proves }) => {
    const row = rows.get(file);
    if (row === undefined) return line([scenario, proves, "", "", "not run", "", ""]);
    const result = row.failed === 0 ? "passed" : `${row.failed} of ${row.passed + row.failed} failed`;
    return line([
      scenario,
      [proves, ...row.figures].join("; "),
      `${row.passed + row.failed}`,
      `${row.rounds}`,
      result,
      `${row.seconds} s`,
      `${row.date}, ${row.cores} cores, load ${row.load}`,
    ]);
  });
  return `${[
    "# End-to-end results",
    "",
    "Written by `npm run test:e2e`; a run of single files replaces only their rows. Everything runs on loopback, on real components;",
    "what is played by a stand-in is said in [testing.md](testing.md). Nothing was deployed to a cloud.",
    "",
    line(["Scenario", "Proves", "Checks", "Rounds", "Result", "Time", "Run"]),
    line(["---", "---", "---", "---", "---", "---", "---"]),
    ...body,
  ].join("\n")}\n`;
}

/** Keeps the table of scenarios in `docs/` and prints it. */
export default class TableReporter implements Reporter {
  /** Writes the rows of the files that ran. */
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = lastResults(ROOT);
    for (const module of modules) {
      const row = rowOf(module);
      if (row !== undefined) rows.set(row.file, row);
    }
    const known = SCENARIOS.flatMap(({ file }) => rows.get(file) ?? []);
    writeFileSync(resultsFile(ROOT), `${JSON.stringify(known, null, 2)}\n`);
    const page = render(rows);
    writeFileSync(PAGE, page);
    process.stdout.write(`\n${page.slice(page.indexOf("| Scenario"))}`);
  }
}
