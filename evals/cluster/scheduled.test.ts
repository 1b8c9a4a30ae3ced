import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { admission } from "../admission.ts";
import { onlineConfig, scheduledConfig } from "./config.ts";
import { evaluateOnce } from "./scheduled.ts";

let server: Server;
let url = "";
let folder = "";
const seen: { path: string; body: Record<string, unknown> }[] = [];

beforeEach(async () => {
  seen.length = 0;
  folder = mkdtempSync(join(tmpdir(), "llmops-scheduled-"));
  writeFileSync(join(folder, "key"), "key\n");
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (block: Buffer) => (text += block.toString()));
    request.on("end", () => {
      const path = request.url ?? "";
      seen.push({ path, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) });
      const answers: Record<string, object> = {
        "/v1/chat/completions": {
          choices: [{ message: { content: "I cannot help with that." } }],
          usage: { prompt_tokens: 10, completion_tokens: 5 },
        },
        "/api/2.0/mlflow/runs/create": { run: { info: { run_id: "r1" } } },
      };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(answers[path] ?? { experiment: { experiment_id: "1" } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;
const model = (name: string): object => ({
  model: name,
  evaluated: { model: hash("a"), prompt: "none", guardrails: hash("b") },
  promptBytes: 0,
  maxCaseSeconds: 60,
  usdPerHour: 3.6,
});
const config = (): Record<string, unknown> => ({
  gateway: url,
  keyFile: join(folder, "key"),
  stack: "acme-prod",
  environment: "prod",
  models: [model("claims")],
  spend: { kind: "capped", maxUsd: 10 },
  dataSets: "evals/data",
  maxTokens: 32,
  minSamples: 200,
  folder: join(folder, "runs"),
  mlflow: { url, user: "admin", passwordFile: join(folder, "key") },
});

describe("an evaluation in the cluster", () => {
  it("asks every model every case, and writes a run without registering anything", async () => {
    const [report, ...more] = await evaluateOnce(scheduledConfig(config()), {
      id: "n",
      signal: new AbortController().signal,
    });
    expect(more).toEqual([]);
    expect(report).toMatchObject({
      run: "n-claims",
      stack: "acme-prod",
      samples: 314,
      comparison: null,
      judge: null,
    });
    // Nothing is blocked, so the limit on injections is broken.
    expect(report?.decision).toBe("failed");
    expect(seen.filter(({ path }) => path.startsWith("/api")).map(({ path }) => path.split("?")[0])).toEqual([
      "/api/2.0/mlflow/experiments/get-by-name",
      "/api/2.0/mlflow/runs/create",
      "/api/2.0/mlflow/runs/log-batch",
      "/api/2.0/mlflow/runs/update",
    ]);
  });

  it("stops before its cap, says that every report after it is incomplete, and asks the next model nothing", async () => {
    // A case may take 61 s at a tenth of a cent a second: room for one at a time, until 0.00002 USD are spent.
    const spend = { kind: "capped", maxUsd: 0.06102 };
    const models = [model("claims"), model("reasoner")];
    const [first, second] = await evaluateOnce(scheduledConfig({ ...config(), models, spend }), {
      id: "n",
      signal: new AbortController().signal,
    });
    const asked = seen.filter(({ path }) => path === "/v1/chat/completions");
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThan(314);
    expect(first?.completeness).toMatchObject({
      kind: "incomplete",
      questions: 314,
      reason: expect.stringMatching(/of at most 0\.06102 USD are spent/) as string,
    });
    expect(second?.completeness).toMatchObject({ kind: "incomplete", answers: 0 });
    expect(new Set(asked.map(({ body }) => body["model"]))).toEqual(new Set(["claims"]));
    for (const report of [first, second]) {
      expect(report?.decision).not.toBe("passed");
      if (report === undefined) throw new Error("there is no report");
      expect(
        admission(
          report,
          report.evaluated,
          { environment: "prod", minSamples: 1, maxAgeDays: 1 },
          new Date(),
        ),
      ).toMatchObject({
        kind: "refused",
        reasons: expect.arrayContaining([expect.stringContaining("it is incomplete")]) as string[],
      });
    }
  });

  it("asks everything where nobody knows a price", async () => {
    const free = { ...model("claims"), usdPerHour: 0 };
    const [report] = await evaluateOnce(
      scheduledConfig({ ...config(), models: [free], spend: { kind: "unpriced" } }),
      { id: "n", signal: new AbortController().signal },
    );
    expect(report?.completeness).toEqual({ kind: "complete" });
  });

  it.each([
    ["models", [], "Too small"],
    ["environment", "local", "Invalid option"],
    ["keyFile", "key", "Invalid string"],
    ["spend", { kind: "capped", maxUsd: 0 }, "Too small"],
    ["price", 1, 'Unrecognized key: "price"'],
  ])("refuses %s = %j", (key, value, message) => {
    expect(() => scheduledConfig({ ...config(), [key]: value })).toThrow(message);
  });

  it("refuses a share that is none", () => {
    expect(() => onlineConfig({ share: 2 })).toThrow("share");
  });
});
