import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stackFileJsonSchema } from "../stacks/schema/json-schema.ts";
import { stackFile, stackNames } from "../stacks/schema/stack-file.ts";
import { SCHEMA_FILE } from "./config.ts";
import { STACKS_FOLDER } from "./context.ts";

describe("the JSON Schema for editors", () => {
  it("is the one generated from the code; else run `npx llmops config schema --write`", () => {
    expect(JSON.parse(readFileSync(join(STACKS_FOLDER, SCHEMA_FILE), "utf8"))).toEqual(
      JSON.parse(JSON.stringify(stackFileJsonSchema())),
    );
  });

  it.each(stackNames(STACKS_FOLDER))("is referenced by %s", (stack) => {
    expect(readFileSync(stackFile(STACKS_FOLDER, stack), "utf8").split("\n")[0]).toBe(
      `# yaml-language-server: $schema=./${SCHEMA_FILE}`,
    );
  });
});
