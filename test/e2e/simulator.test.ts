import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineGauges } from "../../components/serving/engine-metrics.ts";
import { ensureTool, INFERENCE_SIM } from "../../tools/go-tool.ts";
import { freePort, Processes } from "./cluster/processes.ts";

const NAME = "simulator";
const GAUGES = engineGauges({ kind: "vllm", image: "unused", maxModelLen: 8_192, maxNumSeqs: 2 });
const processes = new Processes();
let url: string;

beforeAll(async () => {
  const tool = await ensureTool(INFERENCE_SIM, (text) => process.stderr.write(`${text}\n`));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  processes.start(NAME, {
    command: join(tool, "bin", INFERENCE_SIM.name),
    args: [
      `--port=${port}`,
      "--model=m",
      "--force-dummy-tokenizer",
      "--mode=echo",
      "--max-num-seqs=2",
      "--latency-calculator=constant",
      "--time-to-first-token=300ms",
      "--inter-token-latency=100ms",
      "--enable-kvcache",
    ],
    env: { ...process.env, POD_NAME: "m-0", POD_NAMESPACE: "default", POD_IP: "127.0.0.1" },
  });
  await processes.ready(NAME, async () => (await fetch(`${url}/health`)).status === 200);
});

afterAll(async () => {
  await processes.stopAll();
});

async function metric(name: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, "m").exec(page)?.[1]);
}

describe("a simulator of vLLM that others wrote", () => {
  it("counts what the scaling queries ask for, under the names they use", async () => {
    const call = (): Promise<Response> =>
      fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          model: "m",
          messages: [{ role: "user", content: "one two three four five six seven eight nine ten" }],
        }),
      });
    const calls = Array.from({ length: 5 }, call);
    await expect.poll(() => metric(GAUGES?.running ?? ""), { timeout: 10_000, interval: 50 }).toBe(2);
    await expect.poll(() => metric(GAUGES?.waiting ?? ""), { timeout: 10_000, interval: 50 }).toBe(3);
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await expect.poll(() => metric(GAUGES?.running ?? ""), { timeout: 10_000 }).toBe(0);
    const tokens = await metric(`${GAUGES?.tokenLatency ?? ""}_count`);
    const mean = (await metric(`${GAUGES?.tokenLatency ?? ""}_sum`)) / tokens;
    expect(mean).toBeGreaterThan(0.09);
    expect(mean).toBeLessThan(0.2);
  });

  it("exports every other name that dashboards and alerts read of vLLM", async () => {
    const { cacheUsage, firstToken, tokenLatency, prefixCache } = GAUGES ?? {};
    // vLLM counts with Python's client, which adds `_total` to the name of a counter; Go's, which counts here, does not.
    const bare = (counter = ""): string => counter.replace(/_total$/, "");
    const names = [
      cacheUsage,
      `${firstToken ?? ""}_count`,
      `${tokenLatency ?? ""}_count`,
      bare(prefixCache?.queries),
      bare(prefixCache?.hits),
    ];
    const values = await Promise.all(names.map(async (name) => [name, await metric(name ?? "")] as const));
    expect(values.filter(([, value]) => Number.isNaN(value))).toEqual([]);
    expect(await metric("vllm:gpu_cache_usage_perc")).toBeNaN();
  });
});
