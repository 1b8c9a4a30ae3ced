import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ensureDebianTool, WRK } from "../../tools/debian-tool.ts";
import { ensureNpmTool, PORTKEY } from "../../tools/npm-tool.ts";
import { ensurePythonTool, LITELLM } from "../../tools/python-tool.ts";
import type { Target } from "./load.ts";
import { openLoop } from "./constant-rate.ts";
import { firstBytes, REQUEST, slowStreams } from "./load.ts";

/**
 * Gateways side by side in one run: same engine, same machine, one process each. What it does not show: networks,
 * cloud disks, several replicas.
 */
const HELP = `bench gateway [--part throughput|latency|streams|soak|connections ...] [--json] [--minutes <soak>]

  Updates the measured parts of bench/results/gateway.json. Run it on an otherwise idle machine.
`;

/** The flags of gateway/Dockerfile. */
const NODE_FLAGS =
  readFileSync(join(import.meta.dirname, "..", "..", "gateway", "Dockerfile"), "utf8").match(
    /--[a-z-]+-size=\d+/g,
  ) ?? [];
const KEY = "sk-bench-key-0123456789";
const UPSTREAM_PORT = 18_100;
const ROOT = join(import.meta.dirname, "..", "..");
const CONNECTIONS = 64;
const ROUNDS = 3;
/** Each stream takes two sockets of the gateway; this many stay below a limit of 20,000 files. */
const SLOW_STREAMS = 9_900;

interface Running {
  readonly target: Target;
  readonly process: ChildProcess;
}

interface Product {
  readonly name: string;
  readonly start: (folder: string, port: number) => Promise<Command>;
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
}

const upstream = `http://127.0.0.1:${UPSTREAM_PORT}`;

function ownConfig(folder: string, port: number): string {
  const endpoints = ["/v1/chat/completions"];
  const path = join(folder, "gateway.json");
  const config = {
    listen: { port },
    limits: { inFlight: 20_000, queue: 1_000 },
    audit: {
      directory: join(folder, "audit"),
      signingKey: { from: "generated", path: join(folder, "signing.pem") },
      digestSecret: { from: "generated", path: join(folder, "digest") },
      maxBytes: 40 * 1024 ** 3,
    },
    upstreams: [{ name: "engine", baseUrl: upstream, endpoints, connections: 20_000, idleMs: 60_000 }],
    models: [
      { name: "small", endpoints, routes: [{ upstream: "engine", model: "engine-model" }], price: "none" },
    ],
    clients: [
      {
        id: "bench",
        tenant: "bench",
        keys: [createHash("sha256").update(KEY).digest("hex")],
        models: ["small"],
        requestsPerMinute: 1e9,
        tokensPerMinute: 1e12,
      },
    ],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const guard = {
  id: "dni",
  type: "guardrail",
  deny: true,
  checks: [{ id: "default.regexMatch", parameters: { rule: "[0-9]{8}[A-Z]", not: true } }],
};

function portkeyConfig(guarded: "guards" | "no guards"): string {
  return JSON.stringify({
    provider: "openai",
    custom_host: `${upstream}/v1`,
    api_key: "x",
    ...(guarded === "guards" ? { before_request_hooks: [guard], after_request_hooks: [guard] } : {}),
  });
}

const portkey =
  (guarded: "guards" | "no guards"): Product["start"] =>
  async (_folder, port) => ({
    command: process.execPath,
    args: [join(await ensureNpmTool(PORTKEY), "build", "start-server.js"), "--headless", `--port=${port}`],
    env: { TRUSTED_CUSTOM_HOSTS: "127.0.0.1" },
    headers: { "x-portkey-config": portkeyConfig(guarded) },
  });

const PRODUCTS: readonly Product[] = [
  {
    name: "blueprint, all guards, durable audit",
    start: (folder, port) =>
      Promise.resolve({
        command: process.execPath,
        // As in gateway/Dockerfile.
        args: [...NODE_FLAGS, join(ROOT, "gateway", "src", "bin", "gateway.ts"), ownConfig(folder, port)],
        headers: { authorization: `Bearer ${KEY}` },
      }),
  },
  { name: `Portkey ${PORTKEY.version}, one regex guard, no log`, start: portkey("guards") },
  { name: `Portkey ${PORTKEY.version}, no guard, no log`, start: portkey("no guards") },
  {
    name: `${LITELLM.requirements[0] ?? ""}, no guard, no database`,
    start: async (folder, port) => {
      const file = join(folder, "litellm.yaml");
      const model = { model: "openai/engine-model", api_base: `${upstream}/v1`, api_key: "x" };
      writeFileSync(
        file,
        JSON.stringify({
          model_list: [{ model_name: "small", litellm_params: model }],
          general_settings: { master_key: KEY },
        }),
      );
      return {
        command: join(await ensurePythonTool(LITELLM), "litellm"),
        args: ["--config", file, "--host", "127.0.0.1", "--port", String(port)],
        env: { LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_LOG: "ERROR" },
        headers: { authorization: `Bearer ${KEY}` },
      };
    },
  },
];

async function answers(target: Target): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const ok = await fetch(`${target.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...target.headers },
      body: REQUEST,
    }).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ok) return;
    if (attempt > 600) throw new Error(`${target.url} does not answer`);
    await setTimeout(100);
  }
}

async function start(product: Product, folder: string, port: number): Promise<Running> {
  mkdirSync(folder, { recursive: true });
  const { command, args, headers, env } = await product.start(folder, port);
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, stdio: "ignore" });
  const target = { url: `http://127.0.0.1:${port}`, headers };
  await answers(target);
  return { target, process: child };
}

async function stop({ process: child }: Running): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** Memory of a process: now, or the most it ever had. */
function memoryMiB(child: ChildProcess, which: "VmRSS" | "VmHWM"): number {
  const kib = new RegExp(`${which}:\\s+(\\d+)`).exec(
    readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8"),
  )?.[1];
  return Math.round(Number(kib) / 1024);
}

interface Throughput {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
}

function milliseconds(text: string | undefined): number {
  const [, value, unit] = /([\d.]+)(us|ms|s)/.exec(text ?? "") ?? [];
  return Number(value) * (unit === "us" ? 0.001 : unit === "s" ? 1000 : 1);
}

function wrk(target: Target, folder: string, seconds: number): Throughput {
  const script = join(folder, "post.lua");
  const headers = Object.entries({ "content-type": "application/json", ...target.headers });
  const lines = headers.map(([name, value]) => `wrk.headers[ [[${name}]] ] = [[${value}]]`);
  writeFileSync(script, ['wrk.method = "POST"', ...lines, `wrk.body = [[${REQUEST}]]`].join("\n"));
  const { binary, env } = ensureDebianTool(WRK);
  const { stdout, status } = spawnSync(
    binary,
    [
      "-t1",
      `-c${CONNECTIONS}`,
      `-d${seconds}s`,
      "--latency",
      "-s",
      script,
      `${target.url}/v1/chat/completions`,
    ],
    { env, encoding: "utf8" },
  );
  if (status !== 0 || /Non-2xx/.test(stdout)) throw new Error(`wrk: ${stdout}`);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: milliseconds(/50%\s+(\S+)/.exec(stdout)?.[1]),
    p99: milliseconds(/99%\s+(\S+)/.exec(stdout)?.[1]),
  };
}

function median<T>(values: readonly T[], of: (value: T) => number): number {
  const sorted = values.map(of).sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? NaN) * 100) / 100;
}

async function throughput(folder: string, say: (text: string) => void): Promise<unknown> {
  const rounds = new Map<string, Throughput[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, product] of PRODUCTS.entries()) {
      const running = await start(product, join(folder, `t${at}-${round}`), 18_200 + at);
      wrk(running.target, folder, 3);
      const result = wrk(running.target, folder, 6);
      rounds.set(product.name, [...(rounds.get(product.name) ?? []), result]);
      say(`${product.name}: ${Math.round(result.requestsPerSecond)} requests/s`);
      await stop(running);
    }
  }
  const rows = [...rounds].map(([name, results]) => ({
    name,
    requestsPerSecond: median(results, ({ requestsPerSecond }) => requestsPerSecond),
    p50Ms: median(results, ({ p50 }) => p50),
    p99Ms: median(results, ({ p99 }) => p99),
  }));
  const own = rows[0]?.requestsPerSecond ?? NaN;
  return rows.map((row) => ({ ...row, ownIsTimes: Math.round((own / row.requestsPerSecond) * 100) / 100 }));
}

async function latency(folder: string, say: (text: string) => void): Promise<unknown> {
  const running = await start(PRODUCTS[0] as Product, join(folder, "latency"), 18_300);
  try {
    wrk(running.target, folder, 10);
    const half = Math.floor(wrk(running.target, folder, 5).requestsPerSecond / 2);
    say(`half load: ${half} requests/s, open loop`);
    const direct = { url: upstream, headers: {} };
    const [before, through, after] = [
      await openLoop(direct, half, 10, folder),
      await openLoop(running.target, half, 30, folder),
      await openLoop(direct, half, 10, folder),
    ];
    const added = (of: "p50" | "p95" | "p99"): number =>
      Math.round((through[of] - Math.min(before[of], after[of])) * 100) / 100;
    return {
      perSecond: half,
      direct: [before, after],
      through,
      addedMs: { p50: added("p50"), p95: added("p95"), p99: added("p99") },
    };
  } finally {
    await stop(running);
  }
}

async function streams(folder: string): Promise<unknown> {
  const running = await start(PRODUCTS[0] as Product, join(folder, "streams"), 18_400);
  try {
    await firstBytes(running.target, 50);
    const direct = await firstBytes({ url: upstream, headers: {} }, 300);
    const through = await firstBytes(running.target, 300);
    const added = Math.round((through.head.p50 - direct.head.p50) * 100) / 100;
    const addedEvent = Math.round((through.event.p50 - direct.event.p50) * 100) / 100;
    return {
      direct,
      through,
      addedToHeadP50Ms: added,
      addedToFirstEventP50Ms: addedEvent,
      note: "the first event waits for the guard's window of 320 characters",
    };
  } finally {
    await stop(running);
  }
}

async function soak(folder: string, minutes: number, say: (text: string) => void): Promise<unknown> {
  const running = await start(PRODUCTS[0] as Product, join(folder, "soak"), 18_500);
  const samples: { readonly minute: number; readonly rssMiB: number; readonly errors: number }[] = [];
  try {
    for (let minute = 1; minute <= minutes; minute += 1) {
      const { errors } = await openLoop(running.target, 500, 60, folder);
      samples.push({ minute, rssMiB: memoryMiB(running.process, "VmRSS"), errors });
      say(`minute ${minute}: ${samples.at(-1)?.rssMiB} MiB`);
    }
    return { perSecond: 500, samples };
  } finally {
    await stop(running);
  }
}

async function connections(folder: string): Promise<unknown> {
  const running = await start(PRODUCTS[0] as Product, join(folder, "connections"), 18_600);
  try {
    let whenAllOpenMiB = 0;
    const ended = await slowStreams(running.target, SLOW_STREAMS, () => {
      whenAllOpenMiB = memoryMiB(running.process, "VmRSS");
      return Promise.resolve();
    });
    const peakMiB = memoryMiB(running.process, "VmHWM");
    return { streams: SLOW_STREAMS, whenAllOpenMiB, peakMiB, ...ended };
  } finally {
    await stop(running);
  }
}

const { values } = parseArgs({
  options: {
    part: { type: "string", multiple: true },
    json: { type: "boolean" },
    minutes: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help === true) {
  console.log(HELP);
  process.exit(0);
}
const say = (text: string): void => {
  console.error(text);
};
const folder = mkdtempSync(join(tmpdir(), "bench-gateway-"));
const engine = spawn(process.execPath, [join(import.meta.dirname, "upstream.ts"), String(UPSTREAM_PORT)], {
  stdio: "inherit",
});
try {
  await answers({ url: upstream, headers: {} });
  const parts: Readonly<Record<string, () => Promise<unknown>>> = {
    throughput: () => throughput(folder, say),
    latency: () => latency(folder, say),
    streams: () => streams(folder),
    connections: () => connections(folder),
    soak: () => soak(folder, Number(values.minutes ?? "10"), say),
  };
  const path = join(ROOT, "bench", "results", "gateway.json");
  const results: Record<string, unknown> = {
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    node: process.version,
  };
  for (const name of values.part ?? Object.keys(parts)) {
    const part = parts[name];
    if (part === undefined) throw new Error(`--part ${name}: use ${Object.keys(parts).join(", ")}`);
    say(`-- ${name}`);
    results[name] = await part();
  }
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as object) : {};
  writeFileSync(path, `${JSON.stringify({ ...before, ...results }, null, 2)}\n`);
  console.log(JSON.stringify(results, null, values.json === true ? undefined : 2));
} finally {
  engine.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
