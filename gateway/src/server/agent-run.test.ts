import { describe, expect, it } from "vitest";
import type { GatewayConfigInput } from "../config/schema.ts";
import { chat, fakeEngine, stream } from "../testing/fake-engine.ts";
import type { EngineScript } from "../testing/fake-engine.ts";
import type { GatewayUnderTest } from "../testing/gateway-under-test.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";

const CHAT = "/v1/chat/completions";
const headers = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
const tools = ["weather", "search"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object" } },
}));
const ask = { model: "small", messages: [{ role: "user", content: "weather?" }], tools };

type RunSettings = NonNullable<GatewayConfigInput["clients"][number]["trace"]>;

function withRuns(trace: RunSettings): (config: GatewayConfigInput) => GatewayConfigInput {
  return (config) => ({
    ...config,
    clients: config.clients.map((client) =>
      client.id === "app" ? { ...client, trace, tools: ["weather", "search"] } : client,
    ),
  });
}

const run: RunSettings = { maxSteps: 20, maxSeconds: 60, maxTokens: 10_000 };

function call(name: string, args: object, id = "1"): object {
  return { id, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

function asking(...calls: readonly object[]): EngineScript {
  return chat("", { tool_calls: calls });
}

async function agentMetrics({ gateway }: GatewayUnderTest): Promise<Record<string, number>> {
  const page = await (await fetch(`${gateway.url}/metrics`)).text();
  const lines = page.split("\n").filter((line) => /^llmops_gateway_agent_/.test(line));
  return Object.fromEntries(
    lines
      .filter((line) => !line.includes("_bucket") && !line.includes("_sum"))
      .map((line) => [
        line.slice(0, line.lastIndexOf(" ")).replace("llmops_gateway_agent_", ""),
        Number(line.slice(line.lastIndexOf(" ") + 1)),
      ]),
  );
}

describe("an agent run", () => {
  it("is stopped when the model asks for the same tool call with the same arguments again and again", async () => {
    const engine = await fakeEngine(asking(call("weather", { city: "Bilbao", unit: "C" })));
    const under = await gatewayUnderTest([engine], withRuns({ ...run, maxRepeats: 2 }));
    expect((await under.post(CHAT, ask, { headers })).status).toBe(200);
    // The order of arguments is no difference.
    engine.script = asking(call("weather", { unit: "C", city: "Bilbao" }, "2"));
    expect((await under.post(CHAT, ask, { headers })).status).toBe(200);
    const third = await under.post(CHAT, ask, { headers });
    expect([third.status, ((await third.json()) as { error: unknown }).error]).toEqual([
      403,
      expect.objectContaining({ message: 'The answer was stopped by the guard "agent-run".' }),
    ]);
    expect((await under.records()).at(-1)).toMatchObject({
      kind: "outcome",
      result: "blocked",
      reason: "agent-run",
      guards: expect.arrayContaining([
        { guard: "agent-run", version: "1", side: "output", action: "block", found: { "trace-loop": 1 } },
      ]) as unknown,
    });
    engine.script = asking(call("weather", { city: "Vigo" }));
    expect((await under.post(CHAT, ask, { headers })).status).toBe(200);
    expect(await agentMetrics(under)).toEqual({
      'runs_total{client="app"}': 1,
      'run_step_count{client="app"}': 4,
      'limits_total{client="app",limit="loop"}': 1,
      'tool_calls_total{client="app",tool="weather",result="passed"}': 3,
      'tool_calls_total{client="app",tool="weather",result="refused"}': 1,
      'tokens_total{client="app"}': 60,
      'cost_total{client="app",currency="USD"}': 0.00008,
    });
  });

  it("finds the loop in a stream too, and lets nothing of the answer out", async () => {
    const event = {
      id: "c",
      choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...call("weather", {}) }] } }],
    };
    const engine = await fakeEngine(stream([`data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`]));
    const under = await gatewayUnderTest([engine], withRuns({ ...run, maxRepeats: 1 }));
    const first = await under.post(CHAT, { ...ask, stream: true }, { headers });
    expect(await first.text()).toContain("weather");
    const second = await under.post(CHAT, { ...ask, stream: true }, { headers });
    expect(second.status).toBe(403);
    expect(await second.text()).not.toContain("weather");
  });

  it("is stopped after its tool calls", async () => {
    const engine = await fakeEngine(asking(call("weather", { city: "A" }), call("search", {})));
    const under = await gatewayUnderTest([engine], withRuns({ ...run, maxToolCalls: 3 }));
    expect((await under.post(CHAT, ask, { headers })).status).toBe(200);
    engine.script = asking(call("weather", { city: "B" }), call("weather", { city: "C" }));
    expect((await under.post(CHAT, ask, { headers })).status).toBe(403);
    expect(await agentMetrics(under)).toMatchObject({
      'limits_total{client="app",limit="tool_calls"}': 1,
      'tool_calls_total{client="app",tool="search",result="passed"}': 1,
    });
  });

  it("counts refused steps by their limit, and tools without a name in the configuration as other", async () => {
    const engine = await fakeEngine(asking(call("shell", {})));
    const under = await gatewayUnderTest([engine], withRuns({ ...run, required: "yes", maxSteps: 1 }));
    expect((await under.post(CHAT, ask, { headers })).status).toBe(403);
    expect((await under.post(CHAT, ask, { headers })).status).toBe(429);
    expect((await under.post(CHAT, ask)).status).toBe(429);
    expect(await agentMetrics(under)).toMatchObject({
      'limits_total{client="app",limit="steps"}': 1,
      'limits_total{client="app",limit="missing"}': 1,
      'tool_calls_total{client="app",tool="other",result="refused"}': 1,
      'run_step_count{client="app"}': 1,
    });
  });

  it("counts tool calls of clients without runs and limits nothing", async () => {
    const engine = await fakeEngine(asking(call("weather", {})));
    const under = await gatewayUnderTest([engine]);
    const one = { ...ask, tools: tools.slice(0, 1) };
    for (let step = 0; step < 5; step += 1)
      expect((await under.post(CHAT, one, { headers })).status).toBe(200);
    expect(await agentMetrics(under)).toEqual({
      'tool_calls_total{client="app",tool="weather",result="passed"}': 5,
    });
  });
});
