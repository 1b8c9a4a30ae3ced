import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { pipelineOf } from "../stacks/pipeline.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER } from "./context.ts";
import { run } from "./testing/run.ts";

const ROOT = join(STACKS_FOLDER, "..");
const SHIPPED = "monitoring/llm-pipeline.yaml";

describe("llmops pipeline check", () => {
  it.each([
    [["pipeline", "check"]],
    [["pipeline", "check", "--stack", "acme-prod"]],
    [["pipeline", "check", "--file", SHIPPED]],
  ])("%j finds nothing in the shipped file", async (args) => {
    expect(await run(args)).toEqual({ code: 0, out: `${SHIPPED}: valid\n`, err: "" });
    const { out } = await run([...args, "--json"]);
    expect(JSON.parse(out)).toEqual({ target: SHIPPED, status: "valid" });
  });

  it("says where a file is wrong, and that there is none", async () => {
    const wrong = await run(["pipeline", "check", "--file", "stacks/Pulumi.dev.yaml"]);
    expect([wrong.code, wrong.err]).toEqual([1, ""]);
    expect(wrong.out).toContain("stacks/Pulumi.dev.yaml:");
    const missing = await run(["pipeline", "check", "--file", "monitoring/nobody.yaml", "--json"]);
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.out)).toMatchObject({
      target: "monitoring/nobody.yaml",
      status: "invalid",
      problems: [{ file: "monitoring/nobody.yaml" }],
    });
  });

  it("takes one of stack and file, and only a stack that exists", async () => {
    const both = await run(["pipeline", "check", "--stack", "dev", "--file", SHIPPED]);
    expect(both).toEqual({ code: 2, out: "", err: "error: give --stack or --file, not both\n" });
    const nobody = await run(["pipeline", "check", "--stack", "nobody"]);
    expect([nobody.code, nobody.out]).toEqual([2, ""]);
    expect(nobody.err).toContain("error: there is no stack 'nobody'");
  });
});

describe("llmops pipeline compile", () => {
  it("prints the rules as Prometheus reads them, and everything as JSON", async () => {
    const compiled = pipelineOf(readStack(STACKS_FOLDER, "globex-prod"));
    const rules = await run(["pipeline", "compile", "--stack", "globex-prod"]);
    expect([rules.code, rules.err]).toEqual([0, ""]);
    expect(parse(rules.out)).toEqual(JSON.parse(JSON.stringify({ groups: compiled.groups })));
    const all = await run(["pipeline", "compile", "--stack", "globex-prod", "--json"]);
    expect(JSON.parse(all.out)).toEqual(JSON.parse(JSON.stringify(compiled)));
  });

  it("needs a stack", async () => {
    const { code, out } = await run(["pipeline", "compile"]);
    expect([code, out]).toEqual([2, ""]);
  });
});

describe("what llmops pipeline generates", () => {
  it.each([
    ["coverage", "docs/alert-coverage.md"],
    ["schema", "monitoring/llm-pipeline.schema.json"],
  ])("%s is what the repository holds", async (command, file) => {
    const { code, out } = await run(["pipeline", command]);
    expect(code).toBe(0);
    expect(out).toBe(readFileSync(join(ROOT, file), "utf8"));
  });

  it("lists failures as JSON", async () => {
    const { out } = await run(["pipeline", "coverage", "--json"]);
    expect((JSON.parse(out) as unknown[]).length).toBeGreaterThan(20);
  });
});
