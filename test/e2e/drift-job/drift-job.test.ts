import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ensurePythonTool, MLFLOW } from "../../../tools/python-tool.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const JOB = join(ROOT, "jobs", "drift");
const folder = mkdtempSync(join(tmpdir(), "drift-job-"));
const python = join(folder, "venv", "bin", "python");
let server: ChildProcess;
let address: string;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const bound = probe.address();
      probe.close(() => {
        if (bound === null || typeof bound === "string") reject(new Error("no port"));
        else resolve(bound.port);
      });
    });
  });
}

function run(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(python, args, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: folder, MLFLOW_DISABLE_TELEMETRY: "true" },
  });
}

/** Calls MLflow's REST API. */
async function rest(path: string, body: object): Promise<unknown> {
  const response = await fetch(`${address}/api/2.0/mlflow/${path}`, {
    method: "POST",
    // The server closes idle connections while a program runs in between.
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Sends a day of 300 traces; `mean` is that of the logarithm of the input tokens. */
function seed(experiment: string, day: string, number: number, mean: number): void {
  const sent = run([
    join(import.meta.dirname, "seed.py"),
    address,
    experiment,
    day,
    String(number),
    "300",
    String(mean),
  ]);
  expect([sent.stderr, sent.stdout.trim()]).toEqual(["", "200"]);
}

beforeAll(async () => {
  // The Dockerfile's own installation, in a virtual environment.
  const install = /^RUN pip (.*)$/m.exec(readFileSync(join(JOB, "Dockerfile"), "utf8"))?.[1] ?? "";
  spawnSync("python3", ["-m", "venv", join(folder, "venv")]);
  const installed = spawnSync(join(folder, "venv", "bin", "pip"), install.split(" "), {
    cwd: JOB,
    encoding: "utf8",
  });
  expect([installed.status, installed.stderr]).toEqual([0, ""]);
  const bin = await ensurePythonTool(MLFLOW);
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  server = spawn(
    join(bin, "mlflow"),
    [
      "server",
      "--backend-store-uri",
      `sqlite:///${join(folder, "mlflow.db")}`,
      "--artifacts-destination",
      join(folder, "artifacts"),
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--workers",
      "1",
    ],
    {
      cwd: folder,
      stdio: "ignore",
      detached: true,
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true" },
    },
  );
  const ends = Date.now() + 300_000;
  while (Date.now() < ends) {
    const ready = await fetch(`${address}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("MLflow did not start in five minutes");
});

afterAll(() => {
  // The server starts workers; the group ends with them.
  if (server.pid !== undefined) process.kill(-server.pid, "SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

const experimentReply = z.object({ experiment_id: z.string() });
const jobReply = z.object({
  run: z.string(),
  drifted: z.array(z.string()),
  metrics: z.record(z.string(), z.number()),
});
const runReply = z.object({
  run: z.object({
    info: z.object({ status: z.string() }),
    data: z.object({
      metrics: z.array(z.object({ key: z.string(), value: z.number() })),
      tags: z.array(z.object({ key: z.string(), value: z.string() })),
    }),
  }),
});

function compare(day: string): z.output<typeof jobReply> {
  const done = run([
    join(JOB, "drift.py"),
    "--mlflow",
    address,
    "--traces",
    "gateway",
    "--reference",
    "2026-11-01",
    "--day",
    day,
    "--least",
    "200",
  ]);
  expect([done.status, done.status === 0 ? "" : done.stderr]).toEqual([0, ""]);
  return jobReply.parse(JSON.parse(done.stdout.trim().split("\n").at(-1) ?? ""));
}

it("finds the day that drifted, not the day that did not, and writes both to MLflow", async () => {
  const { experiment_id } = experimentReply.parse(await rest("experiments/create", { name: "gateway" }));
  seed(experiment_id, "2026-11-01", 1, 5.5);
  seed(experiment_id, "2026-11-08", 2, 5.5);
  seed(experiment_id, "2026-11-09", 3, 6.1);
  const [same, moved] = [compare("2026-11-08"), compare("2026-11-09")];
  expect([same.drifted, same.metrics["drift"]]).toEqual([[], 0]);
  expect([moved.drifted, moved.metrics["drift"]]).toEqual([["input_tokens"], 1]);
  expect(moved.metrics["input_tokens.ks"]).toBeGreaterThan(0.2);
  expect(moved.metrics["input_tokens.n"]).toBe(300);

  const response = await fetch(`${address}/api/2.0/mlflow/runs/get?run_id=${moved.run}`, {
    headers: { connection: "close" },
  });
  const { run: written } = runReply.parse(await response.json());
  expect(written.info.status).toBe("FINISHED");
  expect(Object.fromEntries(written.data.metrics.map(({ key, value }) => [key, value]))).toEqual(
    moved.metrics,
  );
  expect(written.data.tags).toContainEqual({ key: "drifted", value: "input_tokens" });
});

it("says that it could not compare, instead of finding nothing", () => {
  const done = run([
    join(JOB, "drift.py"),
    "--mlflow",
    address,
    "--traces",
    "gateway",
    "--reference",
    "2026-11-01",
    "--day",
    "2026-11-20",
  ]);
  expect(done.status).toBe(2);
  expect(done.stderr).toContain("error: 300 traces on 2026-11-01, 500 are needed (--least)");
});
