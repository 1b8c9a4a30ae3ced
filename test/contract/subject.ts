import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ensureNpmTool, PORTKEY } from "../../tools/npm-tool.ts";
import { ensurePythonTool, LITELLM } from "../../tools/python-tool.ts";
import { freePort } from "../e2e/cluster/processes.ts";

/** Key the cases call with. */
export const KEY = "sk-contract-key-0123456789";

/** Something personal that the guards are configured to stop: a DNI with its check letter. */
export const FORBIDDEN = "12345678Z";

const FORBIDDEN_PATTERN = "[0-9]{8}[A-Z]";
const TIMEOUT_MS = 2_000;
/** A gateway of Python takes half a minute on a busy machine only to load itself. */
const READY_MS = 180_000;

/** A gateway that runs as a process of its own. */
export interface RunningSubject {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly process: ChildProcess;
  /** Everything it has written to its folder so far. */
  readonly written: () => string;
  stop(): Promise<void>;
}

/** A gateway and how to start it in front of an upstream. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** How the guards were set up, for the reader of the table. */
  readonly setUp: string;
  start(upstream: string): Promise<RunningSubject>;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly port: number;
  readonly folder: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Path that answers once the gateway serves. */
  readonly ready: string;
}

async function launch({ command, args, env, port, folder, headers, ready }: Launch): Promise<RunningSubject> {
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const up = await fetch(`${url}${ready}`).then(
      ({ status }) => status < 500,
      () => false,
    );
    if (up) break;
    const { exitCode } = child;
    if (exitCode === null && Date.now() < deadline) {
      await setTimeout(100);
      continue;
    }
    await stop();
    throw new Error(`${command} ${exitCode === null ? "does not answer" : `ended with ${exitCode}`}`);
  }
  return {
    url,
    headers: { "content-type": "application/json", ...headers },
    process: child,
    written: () =>
      filesBelow(folder)
        .map((path) => readFileSync(path, "latin1"))
        .join("\n"),
    stop,
  };
}

function scratch(): string {
  return mkdtempSync(join(tmpdir(), "contract-"));
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ROOT = join(import.meta.dirname, "..", "..");

/** The gateway of this project, with its own defaults except that personal data blocks. */
export const blueprint: Subject = {
  name: "llmops-blueprint gateway",
  version: "0.1.0",
  setUp: "pii: block on both sides; everything else as by default",
  start: async (upstream) => {
    const [folder, port] = [scratch(), await freePort()];
    const endpoints = ["/v1/chat/completions"];
    mkdirSync(join(folder, "state"));
    writeFileSync(
      join(folder, "gateway.yaml"),
      JSON.stringify({
        listen: { port },
        audit: {
          directory: join(folder, "state", "audit"),
          signingKey: { from: "generated", path: join(folder, "state", "signing.pem") },
          digestSecret: { from: "generated", path: join(folder, "state", "digest") },
          minFreeBytes: 0,
        },
        upstreams: [
          { name: "engine", baseUrl: upstream, endpoints, firstByteMs: TIMEOUT_MS, idleMs: TIMEOUT_MS },
        ],
        models: [
          {
            name: "small",
            endpoints,
            routes: [{ upstream: "engine", model: "engine-model" }],
            totalMs: 2 * TIMEOUT_MS,
            price: {
              currency: "USD",
              inputPerMillion: "1",
              outputPerMillion: "1000",
              source: "test",
              asOf: "2026-11-24",
            },
          },
        ],
        clients: [
          {
            id: "contract",
            tenant: "contract",
            keys: [sha256(KEY)],
            models: ["small"],
            // One answer of at most 1,024 tokens costs 1.024 USD at most; there is room for three at once.
            budget: { currency: "USD", amount: "4", period: "month" },
          },
        ],
        guards: {
          input: [{ detector: "pii", action: "block" }],
          output: [{ detector: "pii", action: "block" }],
        },
      }),
    );
    return launch({
      command: process.execPath,
      args: [join(ROOT, "gateway", "src", "bin", "gateway.ts"), join(folder, "gateway.yaml")],
      port,
      folder,
      headers: { authorization: `Bearer ${KEY}` },
      ready: "/readyz",
    });
  },
};

/** Portkey's open gateway; its guards come from a header of the caller. */
export const portkey: Subject = {
  name: "Portkey gateway",
  version: PORTKEY.version,
  setUp: "regexMatch with deny on both sides, in the caller's x-portkey-config as its documentation shows",
  start: async (upstream) => {
    const [folder, port] = [scratch(), await freePort()];
    const guard = {
      id: "forbidden",
      type: "guardrail",
      deny: true,
      checks: [{ id: "default.regexMatch", parameters: { rule: FORBIDDEN_PATTERN, not: true } }],
    };
    const config = {
      provider: "openai",
      custom_host: `${upstream}/v1`,
      api_key: "x",
      request_timeout: TIMEOUT_MS,
      before_request_hooks: [guard],
      after_request_hooks: [guard],
    };
    return launch({
      command: process.execPath,
      args: [join(await ensureNpmTool(PORTKEY), "build", "start-server.js"), "--headless", `--port=${port}`],
      env: { TRUSTED_CUSTOM_HOSTS: "127.0.0.1" },
      port,
      folder,
      headers: { "x-portkey-config": JSON.stringify(config) },
      ready: "/",
    });
  },
};

/** LiteLLM's proxy without a database. */
export const litellm: Subject = {
  name: "LiteLLM proxy",
  version: LITELLM.requirements[0]?.split("==")[1] ?? "",
  setUp: "litellm_content_filter with a BLOCK pattern, pre_call and post_call, default_on; no database",
  start: async (upstream) => {
    const [folder, port] = [scratch(), await freePort()];
    const filter = (mode: string): object => ({
      guardrail_name: `forbidden-${mode}`,
      litellm_params: {
        guardrail: "litellm_content_filter",
        mode,
        default_on: true,
        patterns: [{ pattern_type: "regex", pattern: FORBIDDEN_PATTERN, name: "forbidden", action: "BLOCK" }],
      },
    });
    writeFileSync(
      join(folder, "config.yaml"),
      JSON.stringify({
        model_list: [
          {
            model_name: "small",
            litellm_params: {
              model: "openai/engine-model",
              api_base: `${upstream}/v1`,
              api_key: "x",
              timeout: TIMEOUT_MS / 1000,
            },
          },
        ],
        guardrails: [filter("pre_call"), filter("post_call")],
        litellm_settings: { num_retries: 0, request_timeout: TIMEOUT_MS / 1000 },
        general_settings: { master_key: KEY },
      }),
    );
    return launch({
      command: join(await ensurePythonTool(LITELLM), "litellm"),
      args: ["--config", join(folder, "config.yaml"), "--host", "127.0.0.1", "--port", String(port)],
      env: { LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_TELEMETRY: "False" },
      port,
      folder,
      headers: { authorization: `Bearer ${KEY}` },
      ready: "/health/liveliness",
    });
  },
};
