import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import type { Engine } from "../serving/engine.ts";
import { ModelScaler, validateModelScalerArgs, type ModelScalerArgs } from "./model-scaler.ts";

const tokenizer = { image: "registry.example/tokenizer", digest: `sha256:${"d".repeat(64)}` };
const settings = { image: `e@sha256:${"a".repeat(64)}`, maxModelLen: 8192, maxNumSeqs: 128 };
const vllm: Engine = { kind: "vllm", ...settings };
const args: ModelScalerArgs = {
  model: "mistral",
  namespace: "claims",
  engine: vllm,
  minReplicas: 2,
  maxReplicas: 6,
  queueDepthThreshold: 5,
  labels: {},
};

const capacity = {
  inputTokensPerSecond: 9000,
  outputTokensPerSecond: 1000,
  concurrency: 50,
  tokenMs: 40,
  idleTokenMs: 10,
};

interface Trigger {
  readonly name: string;
  readonly metricType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

async function specOf(engine: Engine): Promise<Record<string, unknown> & { triggers: Trigger[] }> {
  const graph = await capture({
    stack: "test",
    program: () => new ModelScaler("s", { ...args, engine }, {}),
  });
  return ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"] as never;
}

describe("ModelScaler", () => {
  it("has a finite ceiling, keeps replicas while metrics are away, and leaves slowly", async () => {
    expect(await specOf(vllm)).toMatchObject({
      scaleTargetRef: { name: "mistral" },
      minReplicaCount: 2,
      maxReplicaCount: 6,
      fallback: { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" },
      advanced: {
        horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } },
      },
    });
  });

  it("sets the replicas of a Rollout where one delivers", async () => {
    const graph = await capture({
      stack: "test",
      program: () => new ModelScaler("s", { ...args, target: "Rollout" }, {}),
    });
    expect(ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"]).toMatchObject({
      scaleTargetRef: { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "mistral" },
    });
  });

  it.each([
    [
      vllm,
      'sum(vllm:num_requests_running{namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"}) + sum(vllm:num_requests_waiting{namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})',
      'sum(vllm:num_requests_waiting{namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})',
    ],
    [
      { kind: "triton", backend: "tensorrt-llm", tokenizer, ...settings },
      'sum(nv_trt_llm_request_metrics{request_type="active",namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"}) + sum(nv_trt_llm_request_metrics{request_type="waiting",namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})',
      'sum(nv_trt_llm_request_metrics{request_type="waiting",namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})',
    ],
  ] satisfies [Engine, string, string][])(
    "asks for one series of $kind per signal",
    async (engine, inFlight, queue) => {
      const { triggers } = await specOf(engine);
      expect(triggers.map(({ name, metadata }) => [name, metadata["query"], metadata["threshold"]])).toEqual([
        ["in-flight", inFlight, "64"],
        ["queue-depth", queue, "5"],
      ]);
      expect(triggers.every(({ metadata }) => metadata["ignoreNullValues"] === "false")).toBe(true);
    },
  );

  it("wakes a model from zero on calls the gateway holds, and scales on offered load where capacity was measured", async () => {
    const changed = { ...args, minReplicas: 0, capacity };
    const graph = await capture({ stack: "test", program: () => new ModelScaler("s", changed, {}) });
    const spec = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"] as unknown as {
      triggers: Trigger[];
    };
    const pods = 'namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"';
    const asleep = 'sum(llmops_gateway_upstream_replicas{namespace="llm-gateway",upstream="mistral"}) == 0';
    const waiting = `sum(vllm:num_requests_waiting{${pods}})`;
    const inFlight = `(sum(vllm:num_requests_running{${pods}}) + ${waiting})`;
    const replicas = `count(vllm:num_requests_running{${pods}})`;
    const offered = (kind: string, offset: string): string =>
      `sum(rate(llmops_gateway_offered_tokens_total{kind="${kind}",namespace="llm-gateway",model="mistral"}[1m]${offset}))`;
    const load = (offset: string): string =>
      `(${offered("input", offset)} / 9000 + ${offered("output", offset)} / 1000)`;
    const withRoom = (seen: string): string =>
      `${seen} + (clamp_max(clamp_min(2.5 * sqrt(avg_over_time(((${load("")} - ${load(" offset 5m")}) ^ 2)[1h:1m])) - 0.075 * ${seen}, 0), scalar(0.125 * ${seen})) or 0.125 * ${seen})`;
    const latency = (part: string): string =>
      `sum(rate(vllm:inter_token_latency_seconds_${part}{${pods}}[1m]))`;
    const slower = [
      `avg_over_time((${latency("sum")} - 0.01 * ${latency("count")})[1h:1m])`,
      `(0.0006 * (avg_over_time((${latency("count")} * ${inFlight} / ${replicas})[1h:1m]) > 0))`,
    ].join(" / ");
    const full = `12.5 * ${replicas} / (clamp_max(clamp_min(${slower} - 0.05, 1), 1.5) or vector(1))`;
    expect(
      spec.triggers.map(({ name, metadata }) => [name, metadata["query"], metadata["threshold"]]),
    ).toEqual([
      ["demand", withRoom(load("")), "1"],
      [
        "engine-load",
        `${withRoom(`(${replicas} * ${inFlight} / (${full} + 0.75 * ${inFlight}))`)} or ${asleep}`,
        "1",
      ],
      ["queue-depth", `${waiting} or ${asleep}`, "5"],
      ["held", 'sum(llmops_gateway_held_requests{namespace="llm-gateway",model="mistral"})', "128"],
    ]);
  });

  it("does not ask how long tokens take where a full engine is stated to be as fast as an idle one", async () => {
    const asks = async (idleTokenMs: number): Promise<boolean> => {
      const scaled = { ...args, capacity: { ...capacity, idleTokenMs } };
      const graph = await capture({ stack: "test", program: () => new ModelScaler("s", scaled, {}) });
      return JSON.stringify(graph).includes("inter_token_latency");
    };
    expect([await asks(capacity.tokenMs), await asks(capacity.tokenMs - 1)]).toEqual([false, true]);
  });

  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
  ])("with at least %i replicas falls back to at least %i, never to zero", async (minReplicas, replicas) => {
    const graph = await capture({
      stack: "test",
      program: () => new ModelScaler("s", { ...args, minReplicas, capacity }, {}),
    });
    expect(ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"]).toMatchObject({
      minReplicaCount: minReplicas,
      fallback: { replicas, behavior: "currentReplicasIfHigher" },
    });
  });

  it("scales an engine without gauges on offered load alone", async () => {
    const engine: Engine = { kind: "triton", backend: "vllm", tokenizer, ...settings };
    const graph = await capture({
      stack: "test",
      program: () => new ModelScaler("s", { ...args, engine, capacity }, {}),
    });
    const spec = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"] as unknown as {
      triggers: Trigger[];
    };
    expect(spec.triggers.map(({ name }) => name)).toEqual(["demand"]);
  });

  it("counts the load of adapters as the load of their base model", async () => {
    const adapter = { name: "motor", image: "i", digest: `sha256:${"e".repeat(64)}`, rank: 16 } as const;
    const engine: Engine = { ...settings, kind: "vllm", adapters: [adapter] };
    const graph = await capture({
      stack: "test",
      program: () => new ModelScaler("s", { ...args, engine, capacity }, {}),
    });
    const spec = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"] as unknown as {
      triggers: Trigger[];
    };
    expect(spec.triggers[0]?.metadata["query"]).toContain('model=~"mistral|motor"');
  });

  it("adds a floor for busy hours", async () => {
    const schedule = {
      timezone: "Europe/Madrid",
      windows: [{ days: ["mon", "fri"], from: "08:00", to: "18:00", replicas: 4 }],
    } as const;
    const graph = await capture({
      stack: "test",
      program: () => new ModelScaler("s", { ...args, schedule }, {}),
    });
    const spec = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"] as unknown as {
      triggers: object[];
    };
    expect(spec.triggers.at(-1)).toEqual({
      type: "cron",
      name: "hours-0",
      metadata: {
        timezone: "Europe/Madrid",
        start: "0 8 * * 1,5",
        end: "0 18 * * 1,5",
        desiredReplicas: "4",
      },
    });
  });

  it.each([
    [{ minReplicas: -1 }, "minReplicas", "-1 is less than 0"],
    [{ capacity: { ...capacity, tokenMs: 0 } }, "capacity.tokenMs", "0 is not above 0"],
    [{ capacity: { ...capacity, idleTokenMs: 0 } }, "capacity.idleTokenMs", "0 is not above 0"],
    [
      { capacity: { ...capacity, idleTokenMs: 41 } },
      "capacity.idleTokenMs",
      "41 > tokenMs 40: a full replica is not faster than one with a single request",
    ],
    [
      { capacity: { ...capacity, concurrency: 129 } },
      "capacity.concurrency",
      "129 > maxNumSeqs 128: a replica could never run as many",
    ],
    [
      {
        schedule: { timezone: "UTC", windows: [{ days: ["mon"], from: "08:00", to: "09:00", replicas: 7 }] },
      } as const,
      "schedule.windows[0].replicas",
      "7 > maxReplicas 6",
    ],
    [{ maxReplicas: 1 }, "maxReplicas", "1 is less than minReplicas 2"],
    [
      { queueDepthThreshold: 500 },
      "queueDepthThreshold",
      "500 > maxNumSeqs 128: more would wait than a replica can run",
    ],
    [
      { engine: { kind: "triton", backend: "vllm", tokenizer, ...settings } },
      "engine",
      "this engine exports no queue, so only offered load can scale it: give its capacity",
    ],
  ] satisfies [Partial<ModelScalerArgs>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateModelScalerArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});
