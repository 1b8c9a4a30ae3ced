import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { run } from "../../cli/testing/run.ts";
import { WRITE_AUTH_FILE } from "../../components/evaluation/tracking-server.ts";
import { signReport, type EvaluationReport } from "../../evals/report.ts";
import { ensurePythonTool, MLFLOW } from "../../tools/python-tool.ts";
import { startMlflow, type MlflowServer } from "./mlflow-server.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-mlflow-"));
const at = (name: string): string => join(folder, name);
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
let server: MlflowServer;

beforeAll(async () => {
  writeFileSync(at("public.pem"), publicKey.export({ type: "spki", format: "pem" }));
  server = await startMlflow(folder);
});

afterAll(() => {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;

function signed(change: Partial<EvaluationReport>): string {
  const report: EvaluationReport = {
    schema: "llmops.evaluation/v1",
    run: "run-1",
    stack: "acme-prod",
    environment: "prod",
    model: "claims-assistant",
    evaluated: { model: hash("a"), prompt: "none", guardrails: hash("b"), dataSets: hash("c") },
    engine: "model",
    finishedAt: "2026-11-24T10:00:00.000Z",
    completeness: { kind: "complete" },
    samples: 64,
    suites: [
      { name: "factuality", samples: 64, score: 48, grader: "deterministic", decision: "passed", reason: "" },
    ],
    comparison: null,
    judge: null,
    decision: "passed",
    reasons: [],
    ...change,
  };
  const file = at(`${report.run}.json`);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeFileSync(file, JSON.stringify(signReport(report, pem)));
  return file;
}

const placed = z.object({ experimentId: z.string(), runId: z.string(), modelVersion: z.string() });
const pairs = z.array(z.object({ key: z.string(), value: z.union([z.string(), z.number()]) }));
const runReply = z.object({
  run: z.object({ info: z.object({ status: z.string() }), data: z.object({ metrics: pairs, tags: pairs }) }),
});
const versionReply = z.object({
  model_version: z.object({ version: z.string(), run_id: z.string(), tags: pairs }),
});

async function publish(file: string): Promise<z.output<typeof placed>> {
  const args = ["--to", "mlflow", "--url", server.url, "--key", at("public.pem"), "--json"];
  const { code, out, err } = await run(["eval", "publish", file, ...args]);
  expect([code, err]).toEqual([0, ""]);
  return placed.parse(JSON.parse(out));
}

const candidate = async (): Promise<z.output<typeof versionReply>["model_version"]> =>
  versionReply.parse(
    await server.call("registered-models/alias?name=acme-prod-claims-assistant&alias=candidate"),
  ).model_version;

it("a signed evaluation is a finished run and a version of the model, and the alias follows only what passed", async () => {
  const first = await publish(signed({}));
  const { run: written } = runReply.parse(await server.call(`runs/get?run_id=${first.runId}`));
  expect(written.info.status).toBe("FINISHED");
  expect(Object.fromEntries(written.data.metrics.map(({ key, value }) => [key, value]))).toEqual({
    "factuality.samples": 64,
    "factuality.score": 0.75,
  });
  expect(written.data.tags).toContainEqual({ key: "evaluated.model", value: hash("a") });
  const one = await candidate();
  expect([one.version, one.run_id]).toEqual([first.modelVersion, first.runId]);
  expect(one.tags).toContainEqual({ key: "evaluated.guardrails", value: hash("b") });

  const failed = await publish(signed({ run: "run-2", decision: "failed", reasons: ["factuality"] }));
  expect(failed).toMatchObject({ experimentId: first.experimentId, modelVersion: "2" });
  expect((await candidate()).version).toBe("1");

  expect((await publish(signed({ run: "run-3" }))).modelVersion).toBe("3");
  expect((await candidate()).version).toBe("3");
});

it("MLflow's own parser reads the file of accounts that the cluster gets", async () => {
  const python = join(await ensurePythonTool(MLFLOW), "python");
  const env = {
    PATH: process.env["PATH"],
    MLFLOW_AUTH_CONFIG_PATH: at("basic_auth.ini"),
    MLFLOW_BACKEND_STORE_URI: "postgresql://u:p%40ss@db/mlflow",
    ADMIN_PASSWORD: "100%",
  };
  await promisify(execFile)(python, ["-c", WRITE_AUTH_FILE], { env });
  // Its module alone: the server's package needs libraries that only the image has.
  const read = [
    "import importlib.util, json, mlflow, os",
    "path = os.path.join(os.path.dirname(mlflow.__file__), 'server', 'auth', 'config.py')",
    "spec = importlib.util.spec_from_file_location('config', path)",
    "module = importlib.util.module_from_spec(spec)",
    "spec.loader.exec_module(module)",
    "c = module.read_auth_config()",
    "print(json.dumps([c.default_permission, c.database_uri, c.admin_username, c.admin_password]))",
  ].join("\n");
  const { stdout } = await promisify(execFile)(python, ["-c", read], { env });
  expect(JSON.parse(stdout)).toEqual(["NO_PERMISSIONS", "postgresql://u:p%40ss@db/mlflow", "admin", "100%"]);
});
