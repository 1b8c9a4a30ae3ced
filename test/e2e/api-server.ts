import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Agent, fetch } from "undici";
import { ensureDebianTool, ETCD } from "../../tools/debian-tool.ts";
import { ensureTool, KUBE_APISERVER } from "../../tools/go-tool.ts";

/** Answer of the API server. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly message?: string };
}

/** A real Kubernetes API server on loopback: etcd and kube-apiserver, no controllers, no nodes. */
export interface ApiServer {
  readonly version: string;
  /** Sends an object or nothing to a path. */
  send(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<ApiAnswer>;
  close(): Promise<void>;
}

const TOKEN = "loopback-test-token";
const READY_MS = 120_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Starts etcd and the API server.
 * @throws Error with the last output when the server is not ready in two minutes
 */
export async function startApiServer(): Promise<ApiServer> {
  const etcd = ensureDebianTool(ETCD);
  const tool = await ensureTool(KUBE_APISERVER, say);
  const folder = mkdtempSync(join(tmpdir(), "llmops-api-server-"));
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [signing, tokens] = [join(folder, "service-account.pem"), join(folder, "tokens.csv")];
  writeFileSync(signing, keys.privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(tokens, `${TOKEN},admin,admin,"system:masters"\n`);
  const store = spawn(
    etcd.binary,
    [
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
    ],
    { env: etcd.env, stdio: "ignore" },
  );
  const server = spawn(
    join(tool, "bin", KUBE_APISERVER.name),
    [
      `--etcd-servers=http://127.0.0.1:${client}`,
      "--service-account-issuer=https://loopback.test",
      `--service-account-key-file=${signing}`,
      `--service-account-signing-key-file=${signing}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      `--token-auth-file=${tokens}`,
      "--authorization-mode=RBAC",
      `--cert-dir=${join(folder, "certificates")}`,
      `--secure-port=${secure}`,
      "--bind-address=127.0.0.1",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let complaint = "";
  server.stderr.on("data", (block: Buffer) => {
    complaint = `${complaint}${block.toString()}`.slice(-4000);
  });
  // The server made its certificate itself a moment ago, and listens on loopback only.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const send: ApiServer["send"] = async (method, path, body) => {
    const response = await fetch(`https://127.0.0.1:${secure}${path}`, {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: JSON.parse(text) as ApiAnswer["body"] };
    } catch {
      return { status: response.status, body: { message: text } };
    }
  };
  const close = async (): Promise<void> => {
    await dispatcher.close();
    await stop(server);
    await stop(store);
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const ready = await send("GET", "/readyz").catch(() => undefined);
    if (ready?.status === 200) break;
    if (Date.now() > deadline || server.exitCode !== null) {
      await close();
      throw new Error(`the API server is not ready:\n${complaint}`);
    }
    await setTimeout(200);
  }
  const { body } = await send("GET", "/version");
  return { version: String(body["gitVersion"]), send, close };
}
