import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { MLFLOW_ADMIN } from "../../components/evaluation/address.ts";
import { WRITE_AUTH_FILE } from "../../components/evaluation/tracking-server.ts";
import { ensurePythonTool, MLFLOW } from "../../tools/python-tool.ts";
import { freePort } from "./cluster/processes.ts";

/** The administrator of a server; the percent sign has to survive the file of accounts. */
export const ADMIN = { user: MLFLOW_ADMIN, password: "100%-of-a-test-password" } as const;

/** A tracking server of MLflow on loopback, behind the login that the platform gives it. */
export interface MlflowServer {
  readonly url: string;
  /** Calls its REST API as the administrator: with a body by POST, else by GET. @throws Error with its answer when it refuses */
  call(path: string, body?: object): Promise<unknown>;
  stop(): void;
}

const START_MS = 300_000;

/** Writes the file of accounts with the program that the cluster runs. */
async function writeAccounts(python: string, folder: string): Promise<string> {
  const file = join(folder, "basic_auth.ini");
  await promisify(execFile)(python, ["-c", WRITE_AUTH_FILE], {
    env: {
      MLFLOW_AUTH_CONFIG_PATH: file,
      MLFLOW_BACKEND_STORE_URI: `sqlite:///${join(folder, "accounts.db")}`,
      ADMIN_PASSWORD: ADMIN.password,
    },
  });
  return file;
}

/** Header of a call as an account. */
export function basic({ user, password }: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/**
 * Starts MLflow as PyPI has it, with SQLite in a folder and the basic-auth app.
 * @throws Error when it does not answer within five minutes
 */
export async function startMlflow(folder: string): Promise<MlflowServer> {
  const bin = await ensurePythonTool(MLFLOW);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const accounts = await writeAccounts(join(bin, "python"), folder);
  const server = spawn(
    join(bin, "mlflow"),
    [
      "server",
      ...["--app-name", "basic-auth"],
      ...["--backend-store-uri", `sqlite:///${join(folder, "mlflow.db")}`],
      ...["--artifacts-destination", join(folder, "artifacts")],
      ...["--host", "127.0.0.1", "--port", String(port), "--workers", "1"],
    ],
    {
      cwd: folder,
      stdio: "ignore",
      detached: true,
      env: {
        ...process.env,
        MLFLOW_DISABLE_TELEMETRY: "true",
        // Workers for jobs that nothing here gives.
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
        MLFLOW_AUTH_CONFIG_PATH: accounts,
        MLFLOW_FLASK_SERVER_SECRET_KEY: "a key of this test",
      },
    },
  );
  const ends = Date.now() + START_MS;
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/health`).then(
      async (response) => (await response.text()) === "OK",
      () => false,
    );
  while (!(await isUp())) {
    if (Date.now() > ends) throw new Error("MLflow did not start in five minutes");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    url,
    async call(path, body) {
      const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
        headers: { "content-type": "application/json", authorization: basic(ADMIN) },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${answer}`);
      return JSON.parse(answer) as unknown;
    },
    stop() {
      // The server starts workers; the group ends with them.
      if (server.pid !== undefined) process.kill(-server.pid, "SIGTERM");
    },
  };
}
