import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { ensurePythonTool, MLFLOW } from "../../tools/python-tool.ts";

/** A tracking server of MLflow on loopback. */
export interface MlflowServer {
  readonly url: string;
  /** Calls its REST API: with a body by POST, else by GET. @throws Error with its answer when it refuses */
  call(path: string, body?: object): Promise<unknown>;
  stop(): void;
}

const START_MS = 300_000;

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

/**
 * Starts MLflow as PyPI has it, with SQLite in a folder.
 * @throws Error when it does not answer within five minutes
 */
export async function startMlflow(folder: string): Promise<MlflowServer> {
  const bin = await ensurePythonTool(MLFLOW);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    join(bin, "mlflow"),
    [
      "server",
      ...["--backend-store-uri", `sqlite:///${join(folder, "mlflow.db")}`],
      ...["--artifacts-destination", join(folder, "artifacts")],
      ...["--host", "127.0.0.1", "--port", String(port), "--workers", "1"],
    ],
    {
      cwd: folder,
      stdio: "ignore",
      detached: true,
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true" },
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
        headers: { "content-type": "application/json" },
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
