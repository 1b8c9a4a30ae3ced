import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { STACKS_FOLDER } from "./context.ts";
import { planFleet } from "./fleet/pool.ts";
import type { Outcome } from "./fleet/outcome.ts";
import { run } from "./testing/run.ts";

describe("llmops fleet plan", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "llmops-fleet-"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  function stack(name: string, change: (text: string) => string): void {
    const text = readFileSync(join(STACKS_FOLDER, "Pulumi.dev.yaml"), "utf8");
    writeFileSync(join(folder, `Pulumi.${name}.yaml`), change(text));
  }

  it("plans every stack, and names each that is stopped without stopping the rest", async () => {
    cpSync(join(STACKS_FOLDER, "Pulumi.local.yaml"), join(folder, "Pulumi.a-nothing.yaml"));
    stack("b-fine", (text) => text);
    stack("c-invalid", (text) => text.replace("client: ", "clint: "));
    stack("d-dear", (text) => text.replace(/^( {6}monthly:) .*$/m, "$1 1"));
    const { code, out, err } = await run(["fleet", "plan", folder, "--as-of", "2026-11-24", "--json"]);
    expect(code).toBe(1);
    const report = JSON.parse(out) as { stacks: Outcome[]; stopped: string[]; monthlyUsd: { min: string } };
    expect(report.stacks.map(({ stack: name, kind }) => [name, kind])).toEqual([
      ["a-nothing", "planned"],
      ["b-fine", "planned"],
      ["c-invalid", "refused"],
      ["d-dear", "planned"],
    ]);
    expect(report.stopped).toEqual(["c-invalid", "d-dear"]);
    const [, fine] = report.stacks;
    const min = fine?.kind === "planned" ? Number(fine.monthlyUsd?.min) : 0;
    expect(min).toBeGreaterThan(0);
    expect(report.monthlyUsd.min).toBe((2 * min).toFixed(2));
    expect(err).toContain("3/4 c-invalid: its configuration is invalid\n");
    expect(err).toMatch(/4\/4 d-dear: over its budget/);
  });

  it("says which stacks a process that ended had not planned", async () => {
    stack("a", (text) => text);
    vi.stubEnv("NODE_OPTIONS", "--no-such-option");
    const { outcomes } = await planFleet({
      folder,
      stacks: ["a"],
      asOf: "2026-11-24T00:00:00.000Z",
      workers: 1,
      onOutcome: () => undefined,
    });
    expect(outcomes).toEqual([
      {
        kind: "failed",
        stack: "a",
        reason: expect.stringMatching(/^its process ended with code 9 before: /) as string,
      },
    ]);
  });

  it.each([
    [["plan", "FOLDER"], "has no file Pulumi.<stack>.yaml"],
    [["plan", "-s", "acme-prdo"], "has no stack acme-prdo"],
    [["plan", "--workers", "0"], "is not a whole number from 1 to 16"],
  ])("%j could not be run", async (args, message) => {
    const { code, err } = await run(["fleet", ...args.map((arg) => (arg === "FOLDER" ? folder : arg))]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
