import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const DOCS = join(import.meta.dirname, "..", "docs", "components");

/** Type tokens in the code: `super("network", "AwsNetwork", ...)`, and what an abstract base is given as its kind. */
function tokensInCode(): string[] {
  return readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .flatMap((file) => {
      const text = readFileSync(join(import.meta.dirname, file), "utf8");
      const direct = [...text.matchAll(/super\("([a-z]+)", "(\w+)", name/g)];
      const ofBase = [...text.matchAll(/class (\w+) extends \w+ImmutableStore /g)];
      return [
        ...direct.map(([, module, kind]) => `llmops:${module ?? ""}:${kind ?? ""}`),
        ...ofBase.map(([, kind]) => `llmops:audit:${kind ?? ""}`),
      ];
    })
    .sort();
}

function tokensInDocs(): string[] {
  return readdirSync(DOCS)
    .flatMap((file) => [
      ...new Set(
        [...readFileSync(join(DOCS, file), "utf8").matchAll(/`(llmops:[a-z]+:\w+)`/g)].map(
          ([, token]) => token ?? "",
        ),
      ),
    ])
    .sort();
}

describe("component pages", () => {
  it("describe every component and none that does not exist", () => {
    expect(tokensInCode().length).toBeGreaterThan(0);
    expect(tokensInDocs()).toEqual(tokensInCode());
  });
});
