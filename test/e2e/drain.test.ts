import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Agent, fetch } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterDns } from "./cluster/cluster-dns.ts";
import { engineAddress } from "./cluster/engine-address.ts";
import { startGatewayProcess, type GatewayProcess } from "./cluster/gateway-process.ts";
import { freePort, Processes } from "./cluster/processes.ts";

const ROUNDS = 20;
const STREAMS_PER_ROUND = 3;
/** One minute a stream. */
const TOKENS = 120;
const TOKEN_MS = 500;
/** Longer than a stream, as the shipped drain is longer than the longest answer. */
const DRAIN_MS = 90_000;
/** Between leaving the endpoints and SIGTERM; the shipped 15 s, shortened. */
const PRE_STOP_MS = 1_000;
const ENGINE = fileURLToPath(new URL("./cluster/engine-process.ts", import.meta.url));

/** How a stream ended. */
type Ending =
  { readonly kind: "whole"; readonly seconds: number } | { readonly kind: "dropped"; readonly why: string };

interface RunningStream {
  readonly begun: Promise<void>;
  readonly ended: Promise<Ending>;
}

const processes = new Processes();
const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
let dns: ClusterDns;
/** Port of every engine; each has an address of its own. */
let port: number;
let folder: string;
let gateway: GatewayProcess;
let born = 0;

interface EngineProcess {
  readonly name: string;
  readonly address: string;
}

async function startEngine(model: string, drainMs = DRAIN_MS): Promise<EngineProcess> {
  const engine = { name: `engine ${++born}`, address: engineAddress() };
  processes.start(engine.name, {
    command: process.execPath,
    args: [ENGINE, model, engine.address, `${port}`, `${TOKEN_MS}`, `${drainMs}`],
  });
  await processes.ready(engine.name, async () => {
    const { status } = await fetch(`http://${engine.address}:${port}/health`);
    return status === 200;
  });
  return engine;
}

/** What the kubelet does to a pod that ends: preStop, then SIGTERM; the process ends by itself. */
async function terminate({ name }: EngineProcess): Promise<void> {
  await setTimeout(PRE_STOP_MS);
  processes.signal(name, "SIGTERM");
}

function stream(model: string): RunningStream {
  let begin: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const run = async (): Promise<Ending> => {
    const started = performance.now();
    let text = "";
    try {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        dispatcher,
        headers: gateway.headers,
        body: JSON.stringify({
          model,
          stream: true,
          max_tokens: TOKENS,
          messages: [{ role: "user", content: "count" }],
        }),
      });
      if (response.status !== 200)
        return { kind: "dropped", why: `${response.status} ${await response.text()}` };
      const decoder = new TextDecoder();
      for await (const block of response.body ?? []) {
        begin();
        text += decoder.decode(block as Uint8Array, { stream: true });
      }
    } catch (error) {
      return { kind: "dropped", why: String(error) };
    } finally {
      begin();
    }
    const words = [...text.matchAll(/line (\d+) of a long answer/g)].map(([, word]) => Number(word));
    const isWhole = words.length === TOKENS && words.every((word, index) => word === index);
    if (!isWhole || !text.trimEnd().endsWith("data: [DONE]"))
      return { kind: "dropped", why: `${words.length} of ${TOKENS} tokens, then ${text.slice(-300)}` };
    return { kind: "whole", seconds: (performance.now() - started) / 1000 };
  };
  return { begun, ended: run() };
}

async function streams(model: string): Promise<Promise<Ending>[]> {
  const running = Array.from({ length: STREAMS_PER_ROUND }, () => stream(model));
  await Promise.all(running.map(({ begun }) => begun));
  return running.map(({ ended }) => ended);
}

function host(model: string): string {
  return `${model}.models.svc.cluster.local`;
}

/** Whom the model's Service names from now on. */
function route(model: string, engines: readonly EngineProcess[]): void {
  dns.show(
    host(model),
    engines.map(({ address }) => address),
  );
}

function expectWhole(endings: readonly Ending[]): void {
  expect(endings.filter(({ kind }) => kind === "dropped")).toEqual([]);
  expect(endings).toHaveLength(ROUNDS * STREAMS_PER_ROUND);
  for (const ending of endings)
    expect(ending.kind === "whole" ? ending.seconds : 0).toBeGreaterThan((TOKENS * TOKEN_MS) / 1000 - 1);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-drain-"));
  dns = await ClusterDns.start();
  port = await freePort();
  const models = ["blue-green", "scale-down", "killed", "impatient"].map((name) => ({
    name,
    url: `http://${host(name)}:${port}`,
    holdSeconds: 0,
  }));
  gateway = await startGatewayProcess(processes, folder, dns, models);
});

afterAll(async () => {
  await processes.stopAll();
  dns.close();
  await dispatcher.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.concurrent("streams of a minute through the gateway", { timeout: 1_200_000 }, () => {
  it(`survive ${ROUNDS} blue-green switches`, async ({ task }) => {
    task.meta.rounds = ROUNDS;
    const model = "blue-green";
    let active = await startEngine(model);
    route(model, [active]);
    const endings: Promise<Ending>[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      endings.push(...(await streams(model)));
      const green = await startEngine(model);
      route(model, [green]);
      void terminate(active);
      active = green;
    }
    expectWhole(await Promise.all(endings));
  });

  it(`survive ${ROUNDS} scale-downs`, async ({ task }) => {
    task.meta.rounds = ROUNDS;
    const model = "scale-down";
    const stays = await startEngine(model);
    const endings: Promise<Ending>[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const leaves = await startEngine(model);
      route(model, [stays, leaves]);
      endings.push(...(await streams(model)));
      route(model, [stays]);
      void terminate(leaves);
    }
    expectWhole(await Promise.all(endings));
  });

  it("do not survive an engine that is killed, which the check sees", async () => {
    const engine = await startEngine("killed");
    route("killed", [engine]);
    const endings = await streams("killed");
    processes.signal(engine.name, "SIGKILL");
    expect((await Promise.all(endings)).map(({ kind }) => kind)).toEqual(
      Array.from({ length: STREAMS_PER_ROUND }, () => "dropped"),
    );
  });

  it("do not survive a drain that is shorter than they are, which the check sees", async () => {
    const engine = await startEngine("impatient", 2_000);
    route("impatient", [engine]);
    const endings = await streams("impatient");
    route("impatient", []);
    await terminate(engine);
    expect((await Promise.all(endings)).map(({ kind }) => kind)).toEqual(
      Array.from({ length: STREAMS_PER_ROUND }, () => "dropped"),
    );
  });
});
