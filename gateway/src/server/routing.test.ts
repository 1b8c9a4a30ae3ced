import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { GatewayConfigInput } from "../config/schema.ts";
import { chat, fakeEngine } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";
import type { GatewayUnderTest } from "../testing/gateway-under-test.ts";

const CHAT = "/v1/chat/completions";
const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };

function withModel(
  more: Partial<GatewayConfigInput["models"][number]>,
): (config: GatewayConfigInput) => GatewayConfigInput {
  return (config) => ({ ...config, models: config.models.map((model) => ({ ...model, ...more })) });
}

async function metric(under: GatewayUnderTest, name: string): Promise<string[]> {
  const page = await (await fetch(`${under.gateway.url}/metrics`)).text();
  return page.split("\n").filter((line) => line.startsWith(name));
}

describe("hold for the first replica", () => {
  async function freePort(): Promise<number> {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  it("keeps calls until a replica listens, and shows them to the scaler", async () => {
    const port = await freePort();
    const under = await gatewayUnderTest([{ url: `http://127.0.0.1:${port}` }], (config) => ({
      ...withModel({ hold: { seconds: 10, pollMs: 20 }, totalMs: 12_000 })(config),
      upstreams: config.upstreams.map((one) => ({ ...one, breaker: { failures: 1_000 } })),
    }));
    const calls = [under.post(CHAT, hello), under.post(CHAT, hello)];
    await expect
      .poll(() => metric(under, "llmops_gateway_held_requests"), { timeout: 3_000, interval: 5 })
      .toContain('llmops_gateway_held_requests{model="small"} 2');
    const engine = createServer((req, res) => {
      req.resume();
      chat("at last")(res, { path: "", headers: {}, body: {} });
    });
    onTestFinished(() => {
      engine.close();
    });
    engine.listen(port, "127.0.0.1");
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await metric(under, "llmops_gateway_held_requests")).toEqual([
      'llmops_gateway_held_requests{model="small"} 0',
    ]);
    const outcomes = (await under.records()).filter(({ kind }) => kind === "outcome");
    expect(outcomes).toMatchObject([{ result: "completed" }, { result: "completed" }]);
  });

  it("shows a scaler every model before its first call, also one that comes with a reload", async () => {
    const under = await gatewayUnderTest([await fakeEngine()]);
    const shown = async (): Promise<string[]> => [
      ...(await metric(under, "llmops_gateway_held_requests")),
      ...(await metric(under, "llmops_gateway_offered_tokens_total")),
    ];
    const lines = (model: string): string[] => [
      `llmops_gateway_held_requests{model="${model}"} 0`,
      `llmops_gateway_offered_tokens_total{model="${model}",kind="input"} 0`,
      `llmops_gateway_offered_tokens_total{model="${model}",kind="output"} 0`,
    ];
    expect(await shown()).toEqual(lines("small"));
    const [small] = under.config.models;
    if (small === undefined) throw new Error("no model");
    await under.gateway.reload({ ...under.config, models: [small, { ...small, name: "late" }] });
    expect((await shown()).sort()).toEqual([...lines("small"), ...lines("late")].sort());
  });

  it("gives up after its time and frees the place of a caller that left", async () => {
    const port = await freePort();
    const under = await gatewayUnderTest(
      [{ url: `http://127.0.0.1:${port}` }],
      withModel({ hold: { seconds: 1, pollMs: 50 }, totalMs: 5_000 }),
    );
    const gone = new AbortController();
    const left = under.post(CHAT, hello, { signal: gone.signal }).catch(() => "left");
    await setTimeout(100);
    gone.abort();
    expect(await left).toBe("left");
    expect((await under.post(CHAT, hello)).status).toBe(503);
    await expect
      .poll(async () => (await under.records()).filter(({ kind }) => kind === "outcome"))
      .toMatchObject([{ result: "aborted" }, { result: "failed", reason: "upstream-unavailable" }]);
  });
});

describe("routes", () => {
  it("sends simple requests to the cheaper tier and records it", async () => {
    const engine = await fakeEngine();
    const cheap = [{ upstream: "engine-0", model: "cheap-model" }];
    const under = await gatewayUnderTest(
      [engine],
      withModel({ tiers: [{ maxInputTokens: 50, routes: cheap }] }),
    );
    await under.post(CHAT, hello);
    await under.post(CHAT, { ...hello, messages: [{ role: "user", content: "why? ".repeat(100) }] });
    expect(engine.seen.map(({ body }) => body["model"])).toEqual(["cheap-model", "engine-model"]);
    expect((await under.records())[0]).toMatchObject({ plan: [{ model: "cheap-model" }] });
    // The scaler of the cheap model sees what it must carry, and that of the other one does not.
    const offered = (await metric(under, "llmops_gateway_offered_tokens_total")).filter((line) =>
      line.includes('kind="input"'),
    );
    expect(offered.map((line) => line.split("{")[1]?.split(",")[0])).toEqual([
      'model="small"',
      'model="cheap-model"',
    ]);
    expect(offered.map((line) => Number(line.split(" ")[1]))[1]).toBe(
      Math.ceil(Buffer.byteLength(JSON.stringify(hello)) / 4),
    );
  });

  it("compares system prompts, keeps a sticky caller on one, and records its version", async () => {
    const engine = await fakeEngine();
    const prompts = ["v1", "v2"].map((version) => ({ version, system: `prompt ${version}` }));
    const under = await gatewayUnderTest(
      [engine],
      withModel({
        prompts,
        sticky: "trace",
        endpoints: ["/v1/chat/completions"],
      }),
    );
    const as = (trace: number): Promise<Response> =>
      under.post(CHAT, hello, {
        headers: { traceparent: `00-${String(trace).padStart(32, "0")}-${"b".repeat(16)}-01` },
      });
    for (let trace = 1; trace <= 20; trace += 1) {
      await as(trace);
      await as(trace);
    }
    const sent = engine.seen.map(({ body }) => (body["messages"] as { content: string }[])[0]?.content);
    const recorded = (await under.records()).flatMap((r) =>
      r.kind === "intent" ? [`prompt ${r.prompt ?? ""}`] : [],
    );
    expect(recorded).toEqual(sent);
    expect(new Set(sent)).toEqual(new Set(["prompt v1", "prompt v2"]));
    for (let call = 0; call < sent.length; call += 2) expect(sent[call]).toBe(sent[call + 1]);
  });

  it("keeps a data subject on one prompt over its traces, under the digest that is recorded", async () => {
    const engine = await fakeEngine();
    const prompts = ["v1", "v2"].map((version) => ({ version, system: `prompt ${version}` }));
    const under = await gatewayUnderTest(
      [engine],
      withModel({ prompts, sticky: "subject", endpoints: ["/v1/chat/completions"] }),
    );
    for (let subject = 1; subject <= 20; subject += 1)
      for (const trace of ["a", "b"])
        await under.post(CHAT, hello, {
          headers: {
            "x-llmops-subject": `person-${subject}`,
            traceparent: `00-${trace}${String(subject).padStart(31, "0")}-${"b".repeat(16)}-01`,
          },
        });
    const intents = (await under.records()).flatMap((r) => (r.kind === "intent" ? [r] : []));
    const bySubject = Map.groupBy(intents, ({ subject }) => subject);
    expect(bySubject.size).toBe(20);
    expect([...bySubject.values()].map((calls) => new Set(calls.map(({ prompt }) => prompt)).size)).toEqual(
      Array<number>(20).fill(1),
    );
    expect(new Set(intents.map(({ prompt }) => prompt))).toEqual(new Set(["v1", "v2"]));
  });

  it("tells a scheduling engine the client's priority and not what the caller claims", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], (config) => ({
      ...withModel({ engineScheduling: "priority" })(config),
      clients: config.clients.map((client) => ({ ...client, priority: "low" as const })),
    }));
    await under.post(CHAT, { ...hello, priority: -10 });
    expect(engine.seen[0]?.body["priority"]).toBe(2);
  });

  it("counts offered tokens as calls arrive", async () => {
    const under = await gatewayUnderTest([await fakeEngine()]);
    const bytes = Buffer.byteLength(JSON.stringify(hello));
    await under.post(CHAT, hello);
    await under.post(CHAT, hello);
    expect(await metric(under, "llmops_gateway_offered_tokens_total")).toEqual([
      `llmops_gateway_offered_tokens_total{model="small",kind="input"} ${2 * Math.ceil(bytes / 4)}`,
      'llmops_gateway_offered_tokens_total{model="small",kind="output"} 30',
    ]);
  });
});
