import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ingestConfig,
  samplingConfig,
  type CollectorConfig,
} from "../../components/tracing/collector-config.ts";
import { platformTarget, type TracePlatform } from "../../components/tracing/platforms.ts";
import { CONTENT_ATTRIBUTES, RENAMED_ATTRIBUTES } from "../../gateway/src/tracing/semconv.ts";
import { ensureTool, OTELCOL } from "../../tools/go-tool.ts";
import { freePort } from "./cluster/processes.ts";
import { otlpSink, type OtlpSink, type SunkSpan } from "./otlp-sink.ts";

const secret = { name: "platforms", key: "token" };
const PLATFORMS: readonly TracePlatform[] = [
  { kind: "mlflow", url: "https://mlflow.acme.example", experimentId: "7", authorization: secret },
  { kind: "langsmith", region: "eu", project: "claims", apiKey: secret },
  { kind: "braintrust", region: "eu", projectId: "p-1", authorization: secret },
  { kind: "langfuse", url: "https://cloud.langfuse.com", authorization: secret },
];
const CREDENTIALS = {
  TRACES_MLFLOW_CREDENTIAL: "Basic bWxmbG93",
  TRACES_LANGSMITH_CREDENTIAL: "lsv2_test",
  TRACES_BRAINTRUST_CREDENTIAL: "Bearer sk-test",
  TRACES_LANGFUSE_CREDENTIAL: "Basic cGs6c2s=",
};
const STORE = "http://tempo.telemetry.svc:4318";
const sampling = samplingConfig({
  share: 0,
  decisionSeconds: 2,
  slowMs: 5_000,
  store: STORE,
  platforms: PLATFORMS,
});

/** What each destination must get: path and headers, the secret ones filled in from the environment. */
const EXPECTED: Readonly<Record<string, { path: string; headers: Record<string, string> }>> = {
  store: { path: "/v1/traces", headers: {} },
  mlflow: {
    path: "/v1/traces",
    headers: { "x-mlflow-experiment-id": "7", authorization: "Basic bWxmbG93" },
  },
  langsmith: {
    path: "/otel/v1/traces",
    headers: { "x-api-key": "lsv2_test", "langsmith-project": "claims" },
  },
  braintrust: {
    path: "/otel/v1/traces",
    headers: { authorization: "Bearer sk-test", "x-bt-parent": "project_id:p-1" },
  },
  langfuse: {
    path: "/api/public/otel/v1/traces",
    headers: { authorization: "Basic cGs6c2s=", "x-langfuse-ingestion-version": "4" },
  },
};

let binary: string;
let folder: string;
const running: ChildProcess[] = [];
const sinks = new Map<string, OtlpSink>();

function write(name: string, text: string): string {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, text);
  return file;
}

/** The rendered configuration with addresses of this machine and nothing else changed. */
function here(config: CollectorConfig, ports: Readonly<Record<string, number>>): string {
  let text = JSON.stringify(config);
  for (const [port, own] of Object.entries(ports))
    text = text
      .replaceAll(`0.0.0.0:${port}`, `127.0.0.1:${own}`)
      .replaceAll(`"port":${port}`, `"port":${own}`);
  const origins: [string, string][] = PLATFORMS.map((platform) => [
    new URL(platformTarget(platform).endpoint).origin,
    sinks.get(platform.kind)?.url ?? "",
  ]);
  for (const [origin, own] of [[STORE, sinks.get("store")?.url ?? ""] as [string, string], ...origins])
    text = text.replaceAll(origin, own);
  return text;
}

async function start(
  name: string,
  config: CollectorConfig,
  ports: Readonly<Record<string, number>>,
): Promise<void> {
  const child = spawn(binary, ["--config", `file:${write(name, here(config, ports))}`], {
    env: { PATH: process.env["PATH"], ...CREDENTIALS },
    stdio: ["ignore", "ignore", "pipe"],
  });
  running.push(child);
  let complaint = "";
  child.stderr.on("data", (block: Buffer) => (complaint += block.toString()));
  const port = ports["8888"] ?? 0;
  const until = Date.now() + 20_000;
  while (Date.now() < until && child.exitCode === null) {
    const up = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
    if (up !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} does not run: ${complaint}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-otelcol-"));
  binary = join(
    await ensureTool(OTELCOL, (text) => {
      process.stderr.write(`${text}
`);
    }),
    "bin",
    OTELCOL.name,
  );
  for (const name of Object.keys(EXPECTED)) sinks.set(name, await otlpSink());
}, 1_800_000);

afterAll(() => {
  for (const child of running) child.kill();
  for (const sink of sinks.values()) sink.close();
  rmSync(folder, { recursive: true });
});

interface Sent {
  readonly trace: string;
  readonly name: string;
  readonly seconds?: number;
  readonly error?: boolean;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

async function send(
  url: string,
  { trace, name, seconds = 0.1, error = false, attributes = {} }: Sent,
): Promise<void> {
  const start = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId: trace,
    spanId: name
      .padEnd(16, "0")
      .replace(/[^0-9a-f]/g, "a")
      .slice(0, 16),
    name,
    kind: 3,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.round(seconds * 1e9))),
    status: error ? { code: 2 } : {},
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === "number" ? { intValue: value } : { stringValue: value },
    })),
  };
  const body = { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans: [span] }] }] };
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
}

const id = (digit: number): string => String(digit).padStart(32, "0");

describe("the collectors", () => {
  it("take the configurations as the component writes them", () => {
    const dns = {
      kind: "dns",
      hostname: "collector-sampling.telemetry.svc.cluster.local",
      port: 4317,
    } as const;
    const shared = { renames: RENAMED_ATTRIBUTES, contentAttributes: CONTENT_ATTRIBUTES, sampling: dns };
    for (const [name, config] of [
      ["ingest", ingestConfig({ ...shared, logs: "http://loki.telemetry.svc:3100/otlp" })],
      ["sampling", sampling],
    ] as const) {
      const file = write(`${name}-as-rendered`, JSON.stringify(config));
      const { status, stderr } = spawnSync(binary, ["validate", "--config", `file:${file}`], {
        env: { PATH: process.env["PATH"], ...CREDENTIALS },
        encoding: "utf8",
      });
      expect([name, status, stderr]).toEqual([name, 0, ""]);
    }
    const wrong = JSON.stringify(sampling).replace("decision_wait", "decision_weight");
    const file = write("wrong", wrong);
    expect(spawnSync(binary, ["validate", "--config", `file:${file}`]).status).not.toBe(0);
  });

  it("keep what failed, was slow, stopped or expensive, whole and without content, and send it everywhere", async () => {
    const grpc = [await freePort(), await freePort()];
    for (const [index, port] of grpc.entries())
      await start(`sampling-${index}`, sampling, { "4317": port, "8888": await freePort() });
    const http = await freePort();
    const ingest = ingestConfig({
      renames: RENAMED_ATTRIBUTES,
      contentAttributes: CONTENT_ATTRIBUTES,
      sampling: { kind: "static", hostnames: grpc.map((port) => `127.0.0.1:${port}`) },
    });
    await start("ingest", ingest, { "4317": await freePort(), "4318": http, "8888": await freePort() });
    const url = `http://127.0.0.1:${http}/v1/traces`;

    for (let trace = 100; trace < 120; trace += 1) await send(url, { trace: id(trace), name: "ordinary" });
    await send(url, { trace: id(1), name: "first", attributes: { note: "ask ana@example.com" } });
    await send(url, { trace: id(2), name: "slow", seconds: 6 });
    await send(url, { trace: id(3), name: "stopped", attributes: { "llmops.result": "blocked" } });
    await send(url, {
      trace: id(4),
      name: "expensive",
      attributes: {
        "gen_ai.system": "vllm",
        "gen_ai.usage.prompt_tokens": 12,
        "gen_ai.usage.completion_tokens": 5_000,
        "gen_ai.input.messages": "the question",
        "gen_ai.prompt.0.content": "the question",
        "x-api-key": "lsv2_secret",
      },
    });
    // The other span of the first trace comes later, in a request of its own, and fails.
    await send(url, { trace: id(1), name: "second", error: true });

    const all = (name: string): SunkSpan[] => sinks.get(name)?.requests.flatMap(({ spans }) => spans) ?? [];
    for (const [name, { path, headers }] of Object.entries(EXPECTED)) {
      await expect.poll(() => all(name).length, { timeout: 20_000 }).toBe(5);
      for (const request of sinks.get(name)?.requests ?? []) {
        expect([name, request.path]).toEqual([name, path]);
        expect(request.headers).toMatchObject({ ...headers, "content-type": "application/x-protobuf" });
      }
      expect(
        all(name)
          .map((span) => `${Number(span.traceId)} ${span.name}`)
          .sort(),
      ).toEqual(["1 first", "1 second", "2 slow", "3 stopped", "4 expensive"]);
      const expensive = all(name).find((span) => span.name === "expensive")?.attributes;
      expect(expensive).toMatchObject({
        "gen_ai.provider.name": "vllm",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5_000,
        "x-api-key": "****",
      });
      expect(Object.keys(expensive ?? {})).not.toContain("gen_ai.usage.prompt_tokens");
      expect(all(name).find((span) => span.name === "first")?.attributes["note"]).toBe("ask ****");
      expect(JSON.stringify(all(name))).not.toMatch(/the question|ana@example|lsv2_secret/);
    }
  }, 120_000);
});
