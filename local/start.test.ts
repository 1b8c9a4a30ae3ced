import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installedModel } from "./model/paths.ts";
import { ModelNotInstalledError, runLocal } from "./start.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "llmops-local-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("the local environment", () => {
  it("answers through the gateway, refuses an injection, and proves its audit log", async () => {
    const report = await runLocal({ engine: "stand-in", port: 0, folder });
    expect(
      report.exchanges.map(({ result }) => (result.kind === "refused" ? result.status : result.kind)),
    ).toEqual(["answered", "answered", "answered", 403]);
    expect(report.exchanges.map(({ engineSaw }) => engineSaw)).toEqual([
      "What is the capital of France?",
      "Name one planet.",
      expect.not.stringContaining("jane.doe"),
      undefined,
    ]);
    expect(report.audit.verdict).toBe("intact");
  });

  it("goes on with the same chain in the next run", async () => {
    await runLocal({ engine: "stand-in", port: 0, folder });
    const { audit } = await runLocal({ engine: "stand-in", port: 0, folder });
    expect([audit.verdict, audit.chains.length]).toEqual(["intact", 1]);
  });

  it.skipIf(installedModel() !== undefined)(
    "says how to install the embedded model when it is asked for and missing",
    async () => {
      await expect(runLocal({ engine: "embedded", port: 0, folder })).rejects.toThrow(ModelNotInstalledError);
    },
  );
});
