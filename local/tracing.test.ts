import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpanKind } from "@opentelemetry/api";
import { expect, it, onTestFinished } from "vitest";
import { contextOf, openTracing, startGateway, type Tracing } from "../gateway/src/index.ts";
import { otlpReceiver, type ReceivedSpan } from "../gateway/src/testing/otlp-receiver.ts";
import { startEngine } from "./engine/server.ts";
import { STAND_IN_NOTICE, standIn } from "./engine/stand-in.ts";

const KEY = "agent-key-0123456789abcdef";
const QUESTION = "Is it raining in Bilbao?";

function service(name: string, url: string): Tracing {
  const settings = { url, share: 1, queue: 100, deadlineMs: 1_000 };
  return openTracing(settings, { name, version: "1.0.0", instance: "test" }, () => undefined);
}

/** A tool server that takes part in the trace. */
async function weatherTool({ tracer }: Tracing): Promise<string> {
  const server = createServer((req, res) => {
    const { traceparent } = req.headersDistinct;
    const span = tracer.startSpan("GET", { kind: SpanKind.SERVER }, contextOf(traceparent?.[0] ?? null));
    res.end("dry");
    span.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tree(spans: readonly ReceivedSpan[], parent = "", depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .flatMap((span) => [
      `${"  ".repeat(depth)}${String(span.service)}: ${span.name}`,
      ...tree(spans, span.spanId, depth + 1).sort(),
    ]);
}

it("one agent run is one tree of spans: agent, gateway, guards, engine and tool", async () => {
  const folder = await mkdtemp(join(tmpdir(), "llmops-trace-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const receiver = await otlpReceiver();
  const [agent, engineSide, toolSide] = ["agent", "engine", "weather"].map((name) =>
    service(name, receiver.url),
  );
  if (agent === undefined || engineSide === undefined || toolSide === undefined)
    throw new Error("no tracing");
  const engine = await startEngine(standIn({ ttftMs: 1, msPerToken: 0 }), { tracer: engineSide.tracer });
  const tool = await weatherTool(toolSide);
  const gateway = await startGateway({
    listen: { port: 0 },
    audit: {
      directory: join(folder, "audit"),
      signingKey: { from: "generated", path: join(folder, "signing.pem") },
      digestSecret: { from: "generated", path: join(folder, "digest") },
    },
    tracing: { url: receiver.url },
    upstreams: [
      { name: "local", provider: "local", baseUrl: engine.url, endpoints: ["/v1/chat/completions"] },
    ],
    models: [
      {
        name: engine.model,
        endpoints: ["/v1/chat/completions"],
        routes: [{ upstream: "local", model: engine.model }],
      },
    ],
    clients: [
      {
        id: "agent",
        tenant: "local",
        keys: [createHash("sha256").update(KEY).digest("hex")],
        models: [engine.model],
        trace: { maxSteps: 3, maxSeconds: 60, maxTokens: 10_000 },
      },
    ],
  });

  const run = agent.tracer.startSpan("invoke_agent weather", { kind: SpanKind.INTERNAL });
  const { traceId, spanId } = run.spanContext();
  const step = async (content: string): Promise<string> => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${KEY}`,
        traceparent: `00-${traceId}-${spanId}-01`,
      },
      body: JSON.stringify({ model: engine.model, messages: [{ role: "user", content }], max_tokens: 8 }),
    });
    expect(await response.text()).toContain(STAND_IN_NOTICE);
    return response.headers.get("traceresponse") ?? "";
  };
  const first = await step(QUESTION);
  const executed = agent.tracer.startSpan("execute_tool weather", {}, contextOf(first));
  const { spanId: toolSpan } = executed.spanContext();
  const seen = await fetch(tool, { headers: { traceparent: `00-${traceId}-${toolSpan}-01` } });
  executed.end();
  await step(`It is ${await seen.text()}.`);
  run.end();
  await gateway.close();
  await engine.close();
  for (const each of [agent, engineSide, toolSide]) await each.close();

  const spans = await receiver.waitFor(15);
  const whole = [
    "agent: invoke_agent weather",
    ...["first", "second"].flatMap((which) => [
      "  llmops-gateway: POST /v1/chat/completions",
      ...(which === "first" ? ["    agent: execute_tool weather", "      weather: GET"] : []),
      "    llmops-gateway: chat stand-in",
      "      llmops-gateway: POST",
      "        engine: llm_request",
      "    llmops-gateway: guard input",
      "    llmops-gateway: guard output",
    ]),
  ];
  expect(tree(spans).sort()).toEqual(whole.sort());
  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
  const steps = spans.filter(({ name }) => name === "POST /v1/chat/completions");
  expect(steps.map(({ attributes }) => attributes["llmops.run.step"]).sort()).toEqual([1, 2]);
  const [generation] = spans.filter(({ name }) => name === "llm_request");
  expect(generation?.attributes).toEqual({
    "gen_ai.request.model": "stand-in",
    "gen_ai.request.max_tokens": 8,
    "gen_ai.response.id": expect.stringMatching(/^chatcmpl-/) as unknown,
    "gen_ai.response.model": "stand-in",
    "gen_ai.response.finish_reasons": ["length"],
    "gen_ai.usage.input_tokens": expect.any(Number) as unknown,
    "gen_ai.usage.output_tokens": 8,
  });
  expect(spans.find(({ name }) => name === "chat stand-in")?.attributes).toMatchObject({
    "gen_ai.provider.name": "local",
    "gen_ai.response.id": expect.stringMatching(/^chatcmpl-/) as unknown,
    "gen_ai.usage.output_tokens": 8,
  });
  expect(JSON.stringify(spans)).not.toContain("Bilbao");
});
