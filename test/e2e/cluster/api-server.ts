import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Agent, fetch } from "undici";
import { ensureTool, ETCD, KUBERNETES } from "../../../tools/go-tool.ts";
import { createAuthority, createCertificate } from "./certificates.ts";
import { nameOf, type KubeObject } from "./kube-object.ts";
import { freePort, Processes } from "./processes.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

/** Answer of the API server. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly message?: string };
  /** Warnings the server sent along, for example of Pod Security. */
  readonly warnings: readonly string[];
}

/** Whether a change is stored or only checked. */
export type Storing = "stored" | "dry-run";

/** Sends an object, a change of one (`PATCH`: a merge patch) or nothing to a path. */
export type Send = (
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
) => Promise<ApiAnswer>;

/** A real Kubernetes API server on loopback: etcd and kube-apiserver; controllers are started onto it. */
export interface ApiServer {
  readonly version: string;
  /** Everything started for this cluster. */
  readonly processes: Processes;
  /** Folder of this run: certificates, keys, configuration; removed by `close`. */
  readonly folder: string;
  /** Folder with the programs of Kubernetes. */
  readonly programs: string;
  /** Kubeconfig of an administrator. */
  readonly kubeconfig: string;
  /** Address, for programs that bring their own credentials. */
  readonly url: string;
  /** Certificates a client trusts the server by, PEM file. */
  readonly authority: string;
  /** Private key of service account tokens. */
  readonly serviceAccountKey: string;
  /** Sends as the administrator. */
  readonly send: Send;
  /** Sends as the owner of a token. */
  as(token: string): Send;
  /** Path of an object, from what the server says about its kind; undefined for a kind it does not know. */
  pathOf(object: KubeObject): Promise<string | undefined>;
  /** Server-side apply. */
  apply(object: KubeObject, storing?: Storing): Promise<ApiAnswer>;
  /**
   * Server-side apply that must succeed.
   * @throws Error with the server's message
   */
  mustApply(object: KubeObject): Promise<void>;
  close(): Promise<void>;
}

const TOKEN = "loopback-test-token";
const READY_MS = 180_000;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const CONTENT_TYPES = {
  PATCH: "application/merge-patch+json",
  APPLY: "application/apply-patch+yaml",
} as const;

/** Client of the API server. */
class ApiClient {
  readonly #kinds = new Map<string, readonly ApiResource[]>();
  // The server made its certificate itself a moment ago, and listens on loopback only.
  readonly #dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  private readonly base: string;

  constructor(base: string) {
    this.base = base;
  }

  /** Sends with a token; merge patches only. */
  sending(token: string): Send {
    return (method, path, body) =>
      this.request(method, method === "PATCH" ? CONTENT_TYPES.PATCH : "application/json", path, body, token);
  }

  async request(
    method: string,
    contentType: string,
    path: string,
    body?: unknown,
    token = TOKEN,
  ): Promise<ApiAnswer> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: { authorization: `Bearer ${token}`, "content-type": contentType },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status } = response;
    const warnings = (response.headers.get("warning") ?? "")
      .split(/, (?=299 )/)
      .filter((each) => each !== "");
    try {
      return { status, warnings, body: JSON.parse(text) as ApiAnswer["body"] };
    } catch {
      return { status, warnings, body: { message: text } };
    }
  }

  async pathOf({ apiVersion, kind, metadata }: KubeObject): Promise<string | undefined> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let kinds = this.#kinds.get(root);
    if (kinds?.some((each) => each.kind === kind) !== true) {
      const { status, body } = await this.request("GET", "application/json", root);
      kinds = status === 200 ? (body["resources"] as ApiResource[]) : [];
      this.#kinds.set(root, kinds);
    }
    const found = kinds.find((each) => each.kind === kind && !each.name.includes("/"));
    if (found === undefined) return undefined;
    const scope = found.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${root}${scope}/${found.name}/${metadata.name}`;
  }

  async apply(object: KubeObject, storing: Storing = "stored"): Promise<ApiAnswer> {
    const path = await this.pathOf(object);
    if (path === undefined)
      return { status: 404, warnings: [], body: { message: `no kind ${object.apiVersion} ${object.kind}` } };
    const query = `?fieldManager=end-to-end&force=true&fieldValidation=Strict${storing === "dry-run" ? "&dryRun=All" : ""}`;
    return this.request("PATCH", CONTENT_TYPES.APPLY, `${path}${query}`, object);
  }

  close(): Promise<void> {
    return this.#dispatcher.close();
  }
}

/** Starts etcd and the API server's process; returns the files others need. */
async function startProcesses(
  processes: Processes,
  folder: string,
  programs: string,
): Promise<{ readonly url: string; readonly serviceAccountKey: string }> {
  const etcd = await ensureTool(ETCD, say);
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [signing, tokens] = [join(folder, "service-account.pem"), join(folder, "tokens.csv")];
  writeFileSync(signing, keys.privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(tokens, `${TOKEN},admin,admin,"system:masters"\n`);
  const authority = createAuthority(folder);
  const proxy = createCertificate(folder, "front-proxy");
  processes.start("etcd", {
    command: join(etcd, "bin", "server"),
    args: [
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
    ],
  });
  processes.start("kube-apiserver", {
    command: join(programs, "kube-apiserver"),
    args: [
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
      `--client-ca-file=${authority}`,
      `--requestheader-client-ca-file=${authority}`,
      "--requestheader-allowed-names=front-proxy",
      "--requestheader-username-headers=X-Remote-User",
      "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-extra-headers-prefix=X-Remote-Extra-",
      `--proxy-client-cert-file=${proxy.certificate}`,
      `--proxy-client-key-file=${proxy.key}`,
    ],
  });
  return { url: `https://127.0.0.1:${secure}`, serviceAccountKey: signing };
}

/**
 * Starts etcd and the API server.
 * @throws Error with the last output when the server is not ready in three minutes
 */
export async function startApiServer(): Promise<ApiServer> {
  const programs = join(await ensureTool(KUBERNETES, say), "bin");
  const folder = mkdtempSync(join(tmpdir(), "llmops-cluster-"));
  const processes = new Processes();
  const { url, serviceAccountKey } = await startProcesses(processes, folder, programs);
  const client = new ApiClient(url);
  const send = client.sending(TOKEN);
  const close = async (): Promise<void> => {
    await client.close();
    await processes.stopAll();
    rmSync(folder, { recursive: true, force: true });
  };
  const isReady = async (): Promise<boolean> => (await send("GET", "/readyz")).status === 200;
  try {
    await processes.ready("kube-apiserver", isReady, READY_MS);
  } catch (error) {
    await close();
    throw error;
  }
  const { body } = await send("GET", "/version");
  return {
    version: String(body["gitVersion"]),
    processes,
    folder,
    programs,
    kubeconfig: writeKubeconfig({ folder, url }, { name: "admin", token: TOKEN }),
    url,
    // The server signs for itself and writes its authority behind its certificate.
    authority: join(folder, "certificates", "apiserver.crt"),
    serviceAccountKey,
    send,
    as: (token) => client.sending(token),
    pathOf: (object) => client.pathOf(object),
    apply: (object, storing) => client.apply(object, storing),
    mustApply: async (object) => {
      const { status, body: answer } = await client.apply(object);
      if (status >= 300) throw new Error(`${nameOf(object)}: ${status} ${answer.message ?? ""}`);
    },
    close,
  };
}

/**
 * Stores definitions and waits until the server serves their kinds.
 * @throws Error when one is refused or not served within a minute
 */
export async function define(api: ApiServer, definitions: readonly KubeObject[]): Promise<void> {
  for (const definition of definitions) await api.mustApply(definition);
  const deadline = Date.now() + 60_000;
  for (const definition of definitions) {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`;
    for (;;) {
      const { body } = await api.send("GET", path);
      const status = body["status"] as { conditions?: { type: string; status: string }[] } | undefined;
      if (
        status?.conditions?.some(({ type, status: is }) => type === "Established" && is === "True") === true
      )
        break;
      if (Date.now() > deadline) throw new Error(`${definition.metadata.name} is not served`);
      await setTimeout(100);
    }
  }
}
