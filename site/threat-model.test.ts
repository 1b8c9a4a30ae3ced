import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./command-page.ts";

const PAGE = join(ROOT, "docs", "threat-model.md");
const AREAS = ["Gateway", "Audit log", "Policy and delivery", "Supply chain"];

interface Row {
  readonly area: string;
  readonly letter: string;
  readonly threat: string;
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

function linksIn(cell: string): string[] {
  return [...cell.matchAll(/\[(?:code|test)\]\(([^)#]+)\)/g)].map(([, path = ""]) =>
    join(dirname(PAGE), path),
  );
}

function rowsOf(text: string): Row[] {
  return text.split(/^## /m).flatMap((section) => {
    const area = section.split("\n")[0] ?? "";
    return [...section.matchAll(/^\| ([A-Z]) \|(.*)\|$/gm)].map(([, letter = "", rest = ""]): Row => {
      const [threat = "", answer = "", tried = ""] = rest.split(" | ").map((cell) => cell.trim());
      return { area, letter, threat, code: linksIn(answer), tests: linksIn(tried) };
    });
  });
}

/** Rows that do not name code and a test that exist. */
function unproven(rows: readonly Row[]): string[] {
  return rows
    .filter(
      ({ code, tests }) =>
        code.length === 0 ||
        tests.length === 0 ||
        code.some((path) => !existsSync(path) || path.endsWith(".test.ts")) ||
        tests.some((path) => !existsSync(path) || !path.endsWith(".test.ts")),
    )
    .map(({ threat }) => threat);
}

describe("the threat model", () => {
  const rows = rowsOf(readFileSync(PAGE, "utf8"));

  it.each(AREAS)("has an answer to every kind of threat to: %s", (area) => {
    const letters = new Set(rows.filter((row) => row.area === area).map(({ letter }) => letter));
    expect([...letters].sort()).toEqual(["D", "E", "I", "R", "S", "T"]);
  });

  it("names for each threat code and a test that are there", () => {
    expect(rows.length).toBeGreaterThan(25);
    expect(unproven(rows)).toEqual([]);
  });

  it("with a missing file, or a test where code should stand, is noticed", () => {
    const text = [
      "## Gateway",
      "| S | gone | x: [code](../gateway/src/nothing.ts) | [test](../gateway/src/audit/log.test.ts) | |",
      "| T | only a test | x: [code](../gateway/src/audit/log.test.ts) | [test](../gateway/src/audit/log.test.ts) | |",
      "| I | untested | x: [code](../gateway/src/audit/log.ts) | | |",
      "| D | fine | x: [code](../gateway/src/audit/log.ts) | [test](../gateway/src/audit/log.test.ts) | |",
    ].join("\n");
    expect(unproven(rowsOf(text))).toEqual(["gone", "only a test", "untested"]);
  });
});
