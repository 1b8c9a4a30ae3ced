import { describe, expect, it } from "vitest";
import { parsePlatform } from "../stacks/schema/parse.ts";
import { readStack, stackNames } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER } from "./context.ts";

describe("shipped stacks", () => {
  it("have the documented ones among them; forks add their own", () => {
    expect(stackNames(STACKS_FOLDER)).toEqual(
      expect.arrayContaining(["acme-prod", "acme-staging", "dev", "globex-prod", "local"]),
    );
  });

  it.each(stackNames(STACKS_FOLDER))("%s is a valid configuration", (stack) => {
    expect(readStack(STACKS_FOLDER, stack).environment).toBe(stack.split("-").at(-1));
  });

  it("an unknown section is refused with the section that was meant", () => {
    const result = parsePlatform({ ...readStack(STACKS_FOLDER, "acme-prod"), budgt: {} });
    const found =
      result.kind === "invalid"
        ? result.problems.map(({ path, reason, fix }) => [path, reason, fix.split("?")[0]])
        : [];
    expect(found).toEqual([["budgt", "unknown key 'budgt'", "did you mean 'budget'"]]);
  });
});
