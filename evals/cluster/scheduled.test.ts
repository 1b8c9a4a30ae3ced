import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
const config = (): Record<string, unknown> => ({
  gateway: url,
  keyFile: join(folder, "key"),
  stack: "acme-prod",
  environment: "prod",
  models: [{ model: "claims", evaluated: { model: hash("a"), prompt: "none", guardrails: hash("b") } }],
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
      samples: 205,
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

  it.each([
    ["models", [], "Too small"],
    ["environment", "local", "Invalid option"],
    ["keyFile", "key", "Invalid string"],
    ["price", 1, 'Unrecognized key: "price"'],
  ])("refuses %s = %j", (key, value, message) => {
    expect(() => scheduledConfig({ ...config(), [key]: value })).toThrow(message);
  });

  it("refuses a share that is none", () => {
    expect(() => onlineConfig({ share: 2 })).toThrow("share");
  });
});
