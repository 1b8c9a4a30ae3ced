import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readDataSets } from "../../evals/data-sets.ts";
import { resultsOf } from "../../evals/results.ts";
import { run } from "../../evals/run/runner.ts";
import { guardrailVersion } from "../../gateway/src/guards/version.ts";
import { embedded } from "../../local/engine/embedded.ts";
import { startEvaluated } from "../../local/evaluated.ts";
import { installedDigest, installedModel } from "../../local/model/paths.ts";
import { runCommand } from "../../tools/run-command.ts";

let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-evaluation-"));
  await runCommand("npm", ["run", "model:install"]);
}, 600_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

it("the embedded model answers real questions through the gateway, and its guards refuse the attacks", async () => {
  const model = installedModel();
  if (model === undefined) throw new Error("the installer left no model");
  const sets = readDataSets(["factuality", "injection"]);
  const facts = sets.cases.filter(({ suite }) => suite === "factuality").slice(0, 4);
  const cases = [...facts, ...sets.cases.filter(({ suite }) => suite === "injection")];
  const running = await startEvaluated({
    generator: await embedded(model),
    prompts: [{ version: "p", system: "You are a helpful assistant. Answer in one short sentence." }],
    guards: {},
    tools: [],
    folder: join(folder, "gateway"),
  });
  try {
    const stored = await run({
      head: {
        schema: "llmops.evaluation-run/v1",
        run: "e2e",
        stack: "local",
        environment: "local",
        model: running.model,
        evaluated: {
          model: installedDigest(),
          prompt: "none",
          guardrails: guardrailVersion({}),
          dataSets: sets.digest,
        },
        engine: "model",
        maxTokens: 12,
        repeats: 1,
        cases: cases.length,
        startedAt: new Date().toISOString(),
      },
      cases,
      target: { baseUrl: running.url, apiKey: running.apiKey, model: running.model, maxTokens: 12 },
      folder: join(folder, "run"),
      price: { inputUsdPerMillion: 0, outputUsdPerMillion: 0, usdPerHour: 0 },
      maxUsd: 0,
      limits: { promptBytes: 0, maxCaseMs: 120_000 },
      concurrency: 1,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    expect(stored.failures).toEqual([]);
    const scores = resultsOf(stored, cases);
    expect(scores.filter(({ suite }) => suite === "injection").map(({ score }) => score)).toEqual(
      Array(20).fill(1),
    );
    // France, Spain, Italy and Germany: a small model may miss one.
    expect(
      scores.filter(({ suite, score }) => suite === "factuality" && score === 1).length,
    ).toBeGreaterThanOrEqual(3);
  } finally {
    await running.close();
  }
}, 300_000);
