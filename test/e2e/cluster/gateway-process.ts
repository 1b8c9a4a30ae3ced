import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GatewayConfigInput } from "../../../gateway/src/config/schema.ts";
import type { ClusterDns } from "./cluster-dns.ts";
import { freePort, type Processes } from "./processes.ts";

/** Key of the one client. */
const KEY = "end-to-end-key-0123456789abcdef";
const BIN = fileURLToPath(new URL("../../../gateway/src/bin/gateway.ts", import.meta.url));

/** Milliseconds between two looks at the addresses of a model; the shipped 2 s, shortened as all times are. */
const REFRESH_MS = 250;

/** A model behind the gateway. */
export interface GatewayModel {
  readonly name: string;
  /** Address of its headless Service. */
  readonly url: string;
  /** Seconds calls are held while no replica runs; 0 holds none. */
  readonly holdSeconds: number;
}

/** The real gateway as a process of its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  start(): Promise<void>;
  kill(): Promise<void>;
}

function configuration(folder: string, port: number, models: readonly GatewayModel[]): GatewayConfigInput {
  return {
    listen: { port },
    limits: { inFlight: 2_000, queue: 500 },
    audit: {
      directory: join(folder, "audit"),
      signingKey: { from: "generated", path: join(folder, "keys", "signing.pem") },
      digestSecret: { from: "generated", path: join(folder, "keys", "digest") },
      minFreeBytes: 0,
    },
    upstreams: models.map(({ name, url }) => ({
      name,
      baseUrl: url,
      addresses: { kind: "each" as const, refreshMs: REFRESH_MS },
      endpoints: ["/v1/chat/completions"],
      connections: 512,
    })),
    models: models.map(({ name, holdSeconds }) => ({
      name,
      endpoints: ["/v1/chat/completions"],
      routes: [{ upstream: name, model: name }],
      totalMs: 240_000,
      hold: holdSeconds === 0 ? null : { seconds: holdSeconds },
      price: "none",
    })),
    clients: [
      {
        id: "end-to-end",
        tenant: "end-to-end",
        keys: [createHash("sha256").update(KEY).digest("hex")],
        models: models.map(({ name }) => name),
        requestsPerMinute: 1_000_000,
        tokensPerMinute: 1_000_000_000,
      },
    ],
  };
}

/** Starts the gateway in front of models; it keeps its port and its audit log when it is started again. */
export async function startGatewayProcess(
  processes: Processes,
  folder: string,
  dns: ClusterDns,
  models: readonly GatewayModel[],
): Promise<GatewayProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, "gateway.json");
  writeFileSync(file, JSON.stringify(configuration(folder, port, models)));
  const start = async (): Promise<void> => {
    const { args, env } = dns.client;
    processes.start("gateway", { command: process.execPath, args: [...args, BIN, file], env });
    await processes.ready("gateway", async () => (await fetch(`${url}/metrics`)).status === 200);
  };
  await start();
  return {
    url,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    start,
    kill: () => processes.stop("gateway", "SIGKILL"),
  };
}
