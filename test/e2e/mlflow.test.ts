import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { run } from "../../cli/testing/run.ts";
import {
  accountVariables,
  MLFLOW_ACCOUNT_SECRET,
  type MlflowAccount,
} from "../../components/evaluation/mlflow-client.ts";
import { WRITE_AUTH_FILE } from "../../components/evaluation/tracking-server.ts";
import { retrainTemplate } from "../../components/loops/templates.ts";
import { signReport, type EvaluationReport } from "../../evals/report.ts";
import { PASSED_REPORT } from "../../evals/testing/report.ts";
import { ensurePythonTool, MLFLOW } from "../../tools/python-tool.ts";
import { ADMIN, basic, startMlflow, type MlflowServer } from "./mlflow-server.ts";

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
    ...PASSED_REPORT,
    run: "run-1",
    model: "claims-assistant",
    evaluated: { model: hash("a"), prompt: "none", guardrails: hash("b"), dataSets: hash("c") },
    finishedAt: "2026-11-24T10:00:00.000Z",
    samples: 64,
    suites: [
      { name: "factuality", samples: 64, score: 48, grader: "deterministic", decision: "passed", reason: "" },
    ],
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

/** Publishes with the password in a file; without one where there is none. */
function published(file: string, password?: string): ReturnType<typeof run> {
  const args = ["--to", "mlflow", "--url", server.url, "--key", at("public.pem"), "--json"];
  if (password === undefined) return run(["eval", "publish", file, ...args]);
  writeFileSync(at("password"), `${password}\n`);
  return run(["eval", "publish", file, ...args, "--secret", at("password")]);
}

async function publish(file: string): Promise<z.output<typeof placed>> {
  const { code, out, err } = await published(file, ADMIN.password);
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

it.each([
  ["without a password", undefined],
  ["with a wrong password", "wrong"],
])("an evaluation is not written %s, and the error says so", async (_how, password) => {
  const { code, err } = await published(signed({ run: "run-4", model: "nobody" }), password);
  expect(code).not.toBe(0);
  expect(err).toContain(`${server.url}/api/2.0/mlflow/experiments/get-by-name`);
  expect(err).toContain("answered 401");
  expect(err).not.toContain("wrong");
  await expect(
    server.call("experiments/get-by-name?experiment_name=llmops/acme-prod/nobody"),
  ).rejects.toThrow("404");
});

it("an account that nobody gave anything sees no experiment", async () => {
  const account = { user: "newcomer", password: "a long password of a newcomer" };
  await server.call("users/create", { username: account.user, password: account.password });
  const { experimentId } = await publish(signed({ run: "run-5" }));
  const reply = await fetch(`${server.url}/api/2.0/mlflow/experiments/get?experiment_id=${experimentId}`, {
    headers: { authorization: basic(account) },
  });
  expect(reply.status).toBe(403);
});

/** What a training image does in its last step, with MLflow's own client, which reads the variables of the step. */
const REGISTER = [
  "from mlflow import MlflowClient",
  "client = MlflowClient()",
  "experiment = client.create_experiment('retraining')",
  "run = client.create_run(experiment)",
  "client.create_registered_model('candidate')",
  "print(client.create_model_version('candidate', 'runs:/' + run.info.run_id + '/model', run.info.run_id).version)",
].join("\n");

/** Runs it with the variables that a step of the retraining Workflow has, the Secret's included where the step names it. */
async function register(account?: MlflowAccount): Promise<string> {
  const mlflow = { url: server.url, ...(account === undefined ? {} : { account }) };
  const image = `registry.example/x@sha256:${"0".repeat(64)}`;
  const { templates } = retrainTemplate({
    ...{ image, trainingImage: image, command: ["retrain"], approval: "required", gpus: 1 },
    ...{ nodeSelector: { "llmops.io/gpu-pool": "l40s" }, volumeGiB: 1, mlflow },
    proposals: { url: "https://git.example", token: { name: "git", key: "token" } },
  });
  const container = templates?.find(({ name }) => name === "register")?.container;
  const named = container?.envFrom?.some(({ secretRef }) => secretRef?.name === MLFLOW_ACCOUNT_SECRET);
  const { stdout } = await promisify(execFile)(
    join(await ensurePythonTool(MLFLOW), "python"),
    ["-c", REGISTER],
    {
      env: {
        ...{ PATH: process.env["PATH"], HOME: folder, MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0" },
        ...Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value])),
        ...(named === true && account !== undefined ? accountVariables(account) : {}),
      },
    },
  );
  return stdout.trim();
}

it("a step of the retraining registers a candidate with the account of its Secret, and nothing without it", async () => {
  await expect(register()).rejects.toThrow("401");
  await expect(register({ ...ADMIN, password: "wrong" })).rejects.toThrow("401");
  expect(await register(ADMIN)).toBe("1");
});

it("MLflow's own parser reads the file of accounts that the cluster gets", async () => {
  const python = join(await ensurePythonTool(MLFLOW), "python");
  const env = {
    PATH: process.env["PATH"],
    MLFLOW_AUTH_CONFIG_PATH: at("of-the-cluster.ini"),
    MLFLOW_BACKEND_STORE_URI: "postgresql://u:p%40ss@db/mlflow",
    ADMIN_PASSWORD: "100%",
  };
  await promisify(execFile)(python, ["-c", WRITE_AUTH_FILE], { env });
  const read = [
    "import json",
    "from mlflow.server.auth.config import read_auth_config",
    "c = read_auth_config()",
    "print(json.dumps([c.default_permission, c.database_uri, c.admin_username, c.admin_password]))",
  ].join("\n");
  const { stdout } = await promisify(execFile)(python, ["-c", read], { env });
  expect(JSON.parse(stdout)).toEqual(["NO_PERMISSIONS", "postgresql://u:p%40ss@db/mlflow", "admin", "100%"]);
});
