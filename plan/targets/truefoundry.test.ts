import { describe, expect, it } from "vitest";
import { DEPLOYMENT, plannedFixture } from "../testing/planned-model.ts";
import {
  ModelExportError,
  type EnginePodSpec,
  type ModelConfig,
  type PlannedModel,
} from "./planned-model.ts";
import { exportToTrueFoundry } from "./truefoundry.ts";

const CLUSTER = "acme-prod";

function withPod(change: (pod: EnginePodSpec) => Partial<EnginePodSpec>): PlannedModel {
  const { template } = DEPLOYMENT.spec;
  const spec = { ...template.spec, ...change(template.spec) };
  return {
    ...plannedFixture(),
    deployment: { ...DEPLOYMENT, spec: { ...DEPLOYMENT.spec, template: { ...template, spec } } },
  };
}

function serviceOf(model: PlannedModel): unknown {
  return exportToTrueFoundry(model, CLUSTER).files[0]?.documents[0];
}

const times = { preStopSeconds: 15, drainSeconds: 90, gracePeriodSeconds: 120 };
const spare = { kind: "spare-gpus", replicas: 1 } as const;

describe("exportToTrueFoundry", () => {
  it("writes the engine as a private service of the tenant's workspace", () => {
    const rolling = { strategy: "rolling", surge: { kind: "in-place" }, ...times } as const;
    const fixture = plannedFixture({ delivery: rolling });
    const model: PlannedModel = {
      ...fixture,
      pool: { ...fixture.pool, accelerator: "H100", capacity: ["on-demand", "spot"] },
    };
    const probe = { config: { type: "http", path: "/health", port: 8000 } };
    expect(serviceOf(model)).toEqual({
      type: "service",
      name: "mistral",
      workspace_fqn: "acme-prod:claims",
      image: {
        type: "image",
        image_uri: "registry.example/vllm@sha256:1",
        command: ["vllm", "serve", "model", "--port=8000"],
      },
      ports: [{ port: 8000, protocol: "TCP", expose: false, app_protocol: "http" }],
      env: { HOME: "/cache" },
      resources: {
        cpu_request: 6,
        cpu_limit: 6,
        memory_request: 17_180,
        memory_limit: 17_180,
        ephemeral_storage_request: 21_475,
        ephemeral_storage_limit: 21_475,
        shared_memory_size: 17_180,
        node: { type: "node_selector", capacity_type: "spot_fallback_on_demand" },
        devices: [{ type: "nvidia_gpu", name: "H100_80GB", count: 2 }],
      },
      replicas: 1,
      rollout_strategy: {
        type: "rolling_update",
        max_surge_percentage: 0,
        max_unavailable_percentage: 25,
      },
      startup_probe: { ...probe, period_seconds: 10, timeout_seconds: 60, failure_threshold: 180 },
      readiness_probe: { ...probe, period_seconds: 5, failure_threshold: 2 },
      liveness_probe: { ...probe, period_seconds: 5, failure_threshold: 2 },
      service_account: "mistral",
      labels: { "llmops.io/client": "acme", "llmops.io/model": "mistral" },
    });
  });

  it("leaves out a variable from a Secret, and says so", () => {
    const token = { name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "hugging-face", key: "token" } } };
    const model = withPod(({ containers: [engine] }) => ({
      containers: [{ ...engine, env: [...engine.env, token] }],
    }));
    expect(serviceOf(model)).toHaveProperty("env", { HOME: "/cache" });
    expect(exportToTrueFoundry(model, CLUSTER)).toMatchObject({
      lost: expect.arrayContaining([
        "HF_TOKEN is missing: write it as a secret of TrueFoundry, which reads none of the cluster",
      ]) as string[],
    });
  });

  it("says what TrueFoundry does not do", () => {
    const fixture = plannedFixture({
      delivery: { strategy: "blue-green", surge: spare, soakMinutes: 30, ...times },
      cache: { kind: "shared", storageClass: "efs", sizeGiB: 50 },
    });
    const model: PlannedModel = {
      ...fixture,
      pool: { ...fixture.pool, capacity: ["reserved", "spot"] },
      evaluations: [{ kind: "missing", name: "evaluation-mistral-1" }],
    };
    expect(exportToTrueFoundry(model, CLUSTER).lost).toEqual([
      "stays at 1 of 6 replicas: TrueFoundry scales by CPU, requests per second or a schedule, not by offered load",
      "no pod security, no drain before a pod ends, no network policy of its own: TrueFoundry's manifest has no words for them",
      "CPU is limited to what it asks for",
      "no warm-up call: TrueFoundry probes by HTTP only",
      "a person promotes each new version",
      "nothing asks for a signed evaluation: TrueFoundry's manifest has no container that runs first",
      "the capacity ladder reserved, spot becomes spot_fallback_on_demand",
      "no shared cache: each replica starts cold",
    ]);
  });

  it.each<[ModelConfig["delivery"], object]>([
    [
      { strategy: "rolling", surge: spare, ...times },
      { type: "rolling_update", max_surge_percentage: 25, max_unavailable_percentage: 0 },
    ],
    [
      { strategy: "blue-green", surge: spare, soakMinutes: 30, ...times },
      { type: "blue_green", enable_auto_promotion: false },
    ],
    [
      { strategy: "canary", surge: spare, steps: [{ weight: 20, minutes: 15 }], ...times },
      { type: "canary", steps: [{ weight_percentage: 20 }] },
    ],
  ])("waits for a person where a signed evaluation would be asked for: %j", (delivery, strategy) => {
    expect(serviceOf(plannedFixture({ delivery }))).toMatchObject({
      rollout_strategy: strategy,
    });
  });

  it.each([
    [["on-demand"], "on_demand"],
    [["spot"], "spot"],
    [["reserved", "on-demand"], "on_demand"],
  ] as const)("runs %j on %s machines", (capacity, type) => {
    const fixture = plannedFixture();
    expect(serviceOf({ ...fixture, pool: { ...fixture.pool, capacity: [...capacity] } })).toMatchObject({
      resources: { node: { capacity_type: type } },
    });
  });

  const fixture = plannedFixture();
  it.each<[string, PlannedModel, string]>([
    [
      "a name it does not take",
      plannedFixture({ name: "a--b" }),
      "left out: TrueFoundry takes names of 3 to 32 letters, digits and single '-', not 'a--b'",
    ],
    [
      "shared GPUs",
      { ...fixture, pool: { ...fixture.pool, sharing: { kind: "mig", profile: "1g.10gb" } } },
      "left out: its GPUs are shared by mig",
    ],
    [
      "weights from an image",
      withPod((pod) => ({ volumes: [...pod.volumes, { name: "model", image: { reference: "m" } }] })),
      "left out: it reads model from images, and TrueFoundry mounts none",
    ],
  ])("leaves out a model with %s", (_what, model, lost) => {
    expect(exportToTrueFoundry(model, CLUSTER)).toEqual({ files: [], commands: [], lost: [lost] });
  });

  const settings = { image: "i", maxModelLen: 8192, maxNumSeqs: 64 };
  it.each<[string, PlannedModel, string]>([
    [
      "a quantity it cannot read",
      withPod(({ containers: [engine] }) => ({
        containers: [
          {
            ...engine,
            resources: { ...engine.resources, limits: { ...engine.resources.limits, memory: "16G" } },
          },
        ],
      })),
      "'16G' is no number of GiB",
    ],
    [
      "an image whose entry point it does not know",
      plannedFixture({ engine: { kind: "sglang", ...settings } as ModelConfig["engine"] }),
      "nobody knows what images of sglang run",
    ],
  ])("refuses %s", (_what, model, message) => {
    expect(() => exportToTrueFoundry(model, CLUSTER)).toThrow(new ModelExportError(message));
  });
});
