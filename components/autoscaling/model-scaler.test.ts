import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import type { Engine } from "../serving/engine.ts";
import { ModelScaler, validateModelScalerArgs, type ModelScalerArgs } from "./model-scaler.ts";

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

  it.each([
    [
      vllm,
      'sum(vllm:num_requests_running{namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"}) + sum(vllm:num_requests_waiting{namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})',
      'sum(vllm:num_requests_waiting{namespace="claims",pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})',
    ],
    [
      { kind: "triton", backend: "tensorrt-llm", ...settings },
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
    const changed = { ...args, minReplicas: 0, outputTokensPerSecond: 1000 };
    const graph = await capture({ stack: "test", program: () => new ModelScaler("s", changed, {}) });
    const spec = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"] as unknown as {
      triggers: Trigger[];
    };
    expect(
      spec.triggers.map(({ name, metadata }) => [name, metadata["query"], metadata["threshold"]]),
    ).toEqual([
      [
        "demand",
        'sum(rate(llmops_gateway_offered_tokens_total{kind="output",namespace="llm-gateway",model="mistral"}[1m]))',
        "900",
      ],
      expect.arrayContaining(["in-flight", "64"]),
      expect.arrayContaining(["queue-depth", "5"]),
      ["held", 'sum(llmops_gateway_held_requests{namespace="llm-gateway",model="mistral"})', "128"],
    ]);
  });

  it.each([
    [{ minReplicas: -1 }, "minReplicas", "-1 is less than 0"],
    [{ outputTokensPerSecond: 0 }, "outputTokensPerSecond", "0 is not above 0"],
    [{ maxReplicas: 1 }, "maxReplicas", "1 is less than minReplicas 2"],
    [
      { queueDepthThreshold: 500 },
      "queueDepthThreshold",
      "500 > maxNumSeqs 128: more would wait than a replica can run",
    ],
    [
      { engine: { kind: "triton", backend: "vllm", ...settings } },
      "engine",
      "this engine exports no queue; only a gateway signal could scale it",
    ],
  ] satisfies [Partial<ModelScalerArgs>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateModelScalerArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});
