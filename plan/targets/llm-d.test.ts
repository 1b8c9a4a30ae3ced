import { describe, expect, it } from "vitest";
import { DEPLOYMENT, plannedFixture } from "../testing/planned-model.ts";
import { exportToLlmD, LLM_D_ROUTER } from "./llm-d.ts";
import type { ModelConfig } from "./planned-model.ts";

const ROUTER = { "llm-d-router-gateway": "mistral-epp" };

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: unknown;
}

function documentsOf(config: Partial<ModelConfig> = {}): { objects: KubeObject[]; values: unknown } {
  const [objects, values] = exportToLlmD(plannedFixture(config)).files;
  return { objects: objects?.documents as KubeObject[], values: values?.documents[0] };
}

describe("exportToLlmD", () => {
  it("puts llm-d's router between the gateway's Service and the engine", () => {
    const { objects, values } = documentsOf();
    expect(objects.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name])).toEqual([
      ["Deployment", "claims", "mistral"],
      ["ScaledObject", "claims", "mistral"],
      ["Service", "claims", "mistral"],
      ["NetworkPolicy", "claims", "mistral-from-router"],
      ["NetworkPolicy", "claims", "mistral-router"],
      ["NetworkPolicy", "llm-gateway", "mistral-claims-router"],
    ]);
    expect(objects[2]?.spec).toEqual({
      selector: ROUTER,
      ports: [{ name: "http", port: 8000, targetPort: 8081 }],
    });
    expect(values).toMatchObject({
      router: {
        modelServers: {
          type: "vllm",
          protocol: "http",
          matchLabels: { "llmops.io/model": "mistral" },
          targetPorts: [{ number: 8000 }],
        },
        inferencePool: { create: true, failureMode: "FailOpen" },
        epp: { image: { tag: LLM_D_ROUTER.version } },
      },
    });
  });

  it("runs the engine's own pod, with replicas that only the scaler sets", () => {
    const [deployment, scaler] = documentsOf().objects;
    expect(deployment?.spec).toEqual({
      selector: { matchLabels: { "llmops.io/model": "mistral" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      progressDeadlineSeconds: 2400,
      template: DEPLOYMENT.spec.template,
    });
    expect(scaler?.spec).toMatchObject({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "mistral" },
      triggers: plannedFixture().scaler.spec.triggers,
    });
  });

  it("installs pinned chart and objects into the tenant's namespace", () => {
    expect(exportToLlmD(plannedFixture()).commands).toEqual([
      "kubectl apply -f https://github.com/kubernetes-sigs/gateway-api-inference-extension/releases/download/v1.5.0/v1-manifests.yaml",
      "helm upgrade --install mistral oci://ghcr.io/llm-d/charts/llm-d-router-standalone --version v0.11.0 --namespace claims --values mistral.values.yaml",
      "kubectl apply -f mistral.yaml",
    ]);
  });

  it.each([
    [0, "at zero replicas the router answers 503 where the gateway would have held the call", true],
    [1, "at zero replicas the router answers 503 where the gateway would have held the call", false],
  ])("says what happens at %i replicas", (minReplicas, note, said) => {
    const { autoscaling } = plannedFixture().config;
    const { lost } = exportToLlmD(plannedFixture({ autoscaling: { ...autoscaling, minReplicas } }));
    expect(lost.includes(note)).toBe(said);
    expect(lost.some((each) => each.includes("pinned by tag only"))).toBe(true);
  });

  const settings = { image: "i", maxModelLen: 8192, maxNumSeqs: 64 };
  const tokenizer = { image: "t", digest: "d" };
  it.each([
    [{ kind: "sglang", ...settings }, "sglang"],
    [{ kind: "triton", backend: "tensorrt-llm", tokenizer, ...settings }, "triton-tensorrt-llm"],
  ] as const)("tells the router what %j is", (engine, type) => {
    expect(documentsOf({ engine }).values).toMatchObject({ router: { modelServers: { type } } });
  });

  it.each([
    { kind: "triton", backend: "vllm", tokenizer, ...settings },
    { kind: "tgi", ...settings },
  ] as const)("leaves out an engine the router cannot read: %j", (engine) => {
    expect(exportToLlmD(plannedFixture({ engine }))).toEqual({
      files: [],
      commands: [],
      lost: [`left out: llm-d's router reads no queue and no cache of ${engine.kind}`],
    });
  });
});
