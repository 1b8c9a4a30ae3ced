import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SCENARIOS } from "./e2e/scenarios.ts";

describe("the table of end-to-end suites", () => {
  it("has a row for every suite, and none twice", () => {
    const folder = join(import.meta.dirname, "e2e");
    const suites = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts"))
      .map((file) => `test/e2e/${file}`);
    expect(SCENARIOS.map(({ file }) => file).toSorted()).toEqual(suites.toSorted());
  });
});
