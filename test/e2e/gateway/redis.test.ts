import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeFiles } from "../../../gateway/src/audit/file-layer.ts";
import { openShared } from "../../../gateway/src/server/shared.ts";
import type { SharedState } from "../../../gateway/src/server/shared.ts";
import { LimitsUnavailableError } from "../../../gateway/src/routing/limits.ts";
import { fakeEngine } from "../../../gateway/src/testing/fake-engine.ts";
import { gatewayUnderTest } from "../../../gateway/src/testing/gateway-under-test.ts";
import { describeSharedState, freshClient } from "../../../gateway/src/testing/limits-behaviour.ts";
import { ensureDebianTool, REDIS_SERVER } from "../../../tools/debian-tool.ts";
import { freePort } from "../cluster/processes.ts";

const URL_VARIABLE = "LLMOPS_E2E_REDIS_URL";
const sharing = { kind: "redis", url: { from: "env", name: URL_VARIABLE }, deadlineMs: 500 } as const;

let folder: string;
let port: number;
let redis: ChildProcess;
const replicas: SharedState[] = [];

async function startRedis(): Promise<ChildProcess> {
  const { binary, env } = ensureDebianTool(REDIS_SERVER);
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "yes",
  ];
  const child = spawn(binary, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (block: Buffer) => {
      if (block.toString().includes("Ready to accept connections")) resolve();
    });
    child.once("exit", (code) => {
      reject(new Error(`redis-server ended with ${code}`));
    });
  });
  return child;
}

async function stopRedis(): Promise<void> {
  const ended = new Promise((resolve) => redis.once("exit", resolve));
  redis.kill("SIGTERM");
  await ended;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "redis-"));
  port = await freePort();
  process.env[URL_VARIABLE] = `redis://127.0.0.1:${port}`;
  redis = await startRedis();
  const own = { brakes: join(folder, "unused.json"), files: nodeFiles };
  replicas.push(await openShared(sharing, own), await openShared(sharing, own));
});

afterAll(() => {
  for (const replica of replicas) replica.close();
  redis.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

describeSharedState("two replicas on a real Redis", () => replicas);

describe("Redis away", () => {
  it("refuses calls with a record and without asking the engine, and goes on when Redis is back", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], (config) => ({ ...config, shared: sharing }));
    const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
    const status = async (): Promise<number> => (await under.post("/v1/chat/completions", hello)).status;
    expect(await status()).toBe(200);
    await stopRedis();
    expect([await status(), await status()]).toEqual([503, 503]);
    expect(engine.seen).toHaveLength(1);
    expect((await under.records()).slice(2)).toMatchObject(
      Array(2).fill({ kind: "decision", result: "failed", reason: "limits_unavailable", status: 503 }),
    );
    redis = await startRedis();
    await expect.poll(status, { timeout: 10_000, interval: 200 }).toBe(200);
  });

  it("keeps what was spent over a restart of Redis, and what was reserved when nobody settled", async () => {
    const client = freshClient({ budget: { currency: "USD", amount: "0.00001", period: "month" } });
    const [one] = replicas as [SharedState];
    await expect
      .poll(async () => (await one.limits.reserve(client, { tokens: 1, cost: 8_000n })).kind, {
        timeout: 10_000,
      })
      .toBe("granted");
    await stopRedis();
    await expect(one.limits.reserve(client, { tokens: 1, cost: 1n })).rejects.toThrow(LimitsUnavailableError);
    redis = await startRedis();
    const again = (): Promise<string> =>
      one.limits.reserve(client, { tokens: 1, cost: 3_000n }).then(
        ({ kind }) => kind,
        () => "unavailable",
      );
    await expect.poll(again, { timeout: 10_000 }).toBe("refused");
  });
});
