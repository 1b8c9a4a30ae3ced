import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE, NEVER_EXEMPT } from "./catalogue.ts";
import { controlPage } from "./pages.ts";

const FOLDER = join(import.meta.dirname, "..", "docs", "policies");

describe("control pages", () => {
  it("are exactly those of the catalogue; `npx llmops policy pages` writes them", () => {
    expect(readdirSync(FOLDER).sort()).toEqual(CATALOGUE.map(({ id }) => `${id}.md`).sort());
    for (const control of CATALOGUE)
      expect(readFileSync(join(FOLDER, `${control.id}.md`), "utf8")).toBe(controlPage(control));
  });

  it("describe controls with ids of their own", () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...NEVER_EXEMPT].filter((id) => !ids.includes(id))).toEqual([]);
  });
});
