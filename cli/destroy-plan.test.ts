import { describe, expect, it } from "vitest";
import { run } from "./testing/run.ts";

describe("llmops destroy-plan", () => {
  it("exits with 1 while something blocks the destroy, and prints what the JSON says", async () => {
    const { code, out, err } = await run(["destroy-plan", "-s", "dev", "--as-of", "2026-11-24", "--json"]);
    expect(code).toBe(1);
    expect(err).toBe("planning dev ...\nerror: 2 obstacles block the teardown or are unknown\n");
    expect(JSON.parse(out)).toMatchObject({
      stack: "dev",
      asOf: "2026-11-24",
      guarded: [],
      scheduled: [
        { name: "blueprint-dev-audit-encryption-key", fate: { until: "2026-12-24" } },
        { name: "blueprint-dev-cluster-secrets-key", fate: { until: "2026-12-24" } },
      ],
      obstacles: [
        { kind: "blocks", about: "deletion-protection" },
        { kind: "blocks", about: "contents" },
        { kind: "unseen" },
        { kind: "unseen" },
      ],
    });
  });

  it("has nothing in the way of a stack that deploys nothing", async () => {
    const { code, out } = await run(["destroy-plan", "-s", "local"]);
    expect(code).toBe(0);
    expect(out).toContain("Nothing is kept");
  });

  it("exits with 2 for a stack that does not exist", async () => {
    const { code, err } = await run(["destroy-plan", "-s", "acme-prdo"]);
    expect([code, err]).toEqual([2, expect.stringContaining("did you mean 'acme-prod'?")]);
  });
});
