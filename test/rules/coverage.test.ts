import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { coveragePage, FAILURE_MODES } from "../../monitoring/coverage.ts";
import { everything, shipped } from "./environment.ts";

const PAGE = join(import.meta.dirname, "..", "..", "docs", "alert-coverage.md");

describe("alert coverage", () => {
  it("names every alert a file can compile to, and no other", () => {
    const named = FAILURE_MODES.flatMap((mode) => (mode.kind === "alerted" ? mode.alerts : []));
    const compiled = [...shipped().alerts, ...everything().alerts].map(({ name }) => name);
    expect([...new Set(named)].sort()).toEqual([...new Set(compiled)].sort());
  });

  it("lists failures without an alert, each with its reason and who notices instead", () => {
    const unseen = FAILURE_MODES.filter((mode) => mode.kind === "not-alerted");
    expect(unseen.length).toBeGreaterThan(5);
    for (const { reason, instead } of unseen) expect([reason, instead]).not.toContain("");
  });

  it("is the page in the documentation", () => {
    expect(readFileSync(PAGE, "utf8")).toBe(coveragePage(shipped().alerts));
  });
});
