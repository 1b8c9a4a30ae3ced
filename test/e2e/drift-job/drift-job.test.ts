import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { accountVariables, type MlflowAccount } from "../../../components/evaluation/mlflow-client.ts";
import { ADMIN, startMlflow, type MlflowServer } from "../mlflow-server.ts";
import { DRIFT_JOB, ensureDriftJob } from "./environment.ts";

const folder = mkdtempSync(join(tmpdir(), "drift-job-"));
let python: string;
let server: MlflowServer;

/**
 * Runs a program of the job's own environment. It does not block this process: a client that cannot see the server close an idle
 * connection meanwhile would send its next request into it.
 */
async function run(
  args: readonly string[],
  account: MlflowAccount = ADMIN,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const child = spawn(python, args, {
    env: {
      ...{ PATH: process.env["PATH"], HOME: folder, MLFLOW_DISABLE_TELEMETRY: "true" },
      ...accountVariables(account),
    },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return {
    status: child.exitCode ?? (await once(child, "exit").then(([code]) => Number(code))),
    stdout,
    stderr,
  };
}

/** Sends a day of 200 traces; `mean` is that of the logarithm of the input tokens. */
async function seed(experiment: string, day: string, number: number, mean: number): Promise<void> {
  const sent = await run([
    join(import.meta.dirname, "seed.py"),
    server.url,
    experiment,
    day,
    String(number),
    "200",
    String(mean),
  ]);
  expect([sent.stderr, sent.stdout.trim()]).toEqual(["", "200"]);
}

beforeAll(async () => {
  python = join(await ensureDriftJob(), "python");
  server = await startMlflow(folder);
});

afterAll(() => {
  server.stop();
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

async function compare(day: string): Promise<z.output<typeof jobReply>> {
  const done = await run([
    join(DRIFT_JOB, "drift.py"),
    "--mlflow",
    server.url,
    "--traces",
    "gateway",
    "--reference",
    "2026-11-01",
    "--day",
    day,
    "--least",
    "150",
  ]);
  expect([done.status, done.status === 0 ? "" : done.stderr]).toEqual([0, ""]);
  return jobReply.parse(JSON.parse(done.stdout.trim().split("\n").at(-1) ?? ""));
}

it("finds the day that drifted, not the day that did not, and writes both to MLflow", async () => {
  const { experiment_id } = experimentReply.parse(
    await server.call("experiments/create", { name: "gateway" }),
  );
  await seed(experiment_id, "2026-11-01", 1, 5.5);
  await seed(experiment_id, "2026-11-08", 2, 5.5);
  await seed(experiment_id, "2026-11-09", 3, 6.1);
  const [same, moved] = [await compare("2026-11-08"), await compare("2026-11-09")];
  expect([same.drifted, same.metrics["drift"]]).toEqual([[], 0]);
  expect([moved.drifted, moved.metrics["drift"]]).toEqual([["input_tokens"], 1]);
  expect(moved.metrics["input_tokens.ks"]).toBeGreaterThan(0.2);
  expect(moved.metrics["input_tokens.n"]).toBe(200);

  const { run: written } = runReply.parse(await server.call(`runs/get?run_id=${moved.run}`));
  expect(written.info.status).toBe("FINISHED");
  expect(Object.fromEntries(written.data.metrics.map(({ key, value }) => [key, value]))).toEqual(
    moved.metrics,
  );
  expect(written.data.tags).toContainEqual({ key: "drifted", value: "input_tokens" });
});

it.each<[string, Partial<MlflowAccount>]>([
  ["no account", { user: "", password: "" }],
  ["a wrong password", { password: "wrong" }],
])("cannot compare with %s, and says so", async (_what, change) => {
  const args = ["--mlflow", server.url, "--traces", "gateway"];
  const done = await run([join(DRIFT_JOB, "drift.py"), ...args], { ...ADMIN, ...change });
  expect(done.status).toBe(2);
  expect(done.stderr).toContain("401");
});

it("says that it could not compare, instead of finding nothing", async () => {
  const done = await run([
    join(DRIFT_JOB, "drift.py"),
    "--mlflow",
    server.url,
    "--traces",
    "gateway",
    "--reference",
    "2026-11-01",
    "--day",
    "2026-11-20",
  ]);
  expect(done.status).toBe(2);
  expect(done.stderr).toContain("error: 200 traces on 2026-11-01, 500 are needed (--least)");
});
