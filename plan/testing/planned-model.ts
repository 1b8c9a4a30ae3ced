import { join } from "node:path";
import type { EngineDeployment, ModelConfig, PlannedModel } from "../targets/planned-model.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";

const LABELS = { "llmops.io/client": "acme", "llmops.io/model": "mistral" };

const probe = { httpGet: { path: "/health" }, periodSeconds: 5, failureThreshold: 2 };

/** A Deployment as the model service writes it, with one further container. */
export const DEPLOYMENT: EngineDeployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "mistral", namespace: "claims", labels: LABELS },
  spec: {
    progressDeadlineSeconds: 2400,
    template: {
      metadata: { labels: LABELS, annotations: { "karpenter.sh/do-not-disrupt": "true" } },
      spec: {
        serviceAccountName: "mistral",
        containers: [
          {
            name: "engine",
            image: "registry.example/vllm@sha256:1",
            args: ["model", "--port=8000"],
            env: [{ name: "HOME", value: "/cache" }],
            ports: [{ containerPort: 8000 }],
            resources: {
              requests: { cpu: "6", memory: "16Gi", "ephemeral-storage": "20Gi" },
              limits: { memory: "16Gi", "nvidia.com/gpu": "2" },
            },
            startupProbe: { periodSeconds: 10, failureThreshold: 180, timeoutSeconds: 60 },
            readinessProbe: probe,
            livenessProbe: probe,
          },
        ],
        volumes: [
          { name: "shm", emptyDir: { medium: "Memory", sizeLimit: "16Gi" } },
          { name: "cache", emptyDir: {} },
        ],
      },
    },
  },
};

/** A model of acme-prod under another name, on a fixture of a plan. */
export function plannedFixture(config: Partial<ModelConfig> = {}): PlannedModel {
  const { models, gpuPools } = readStack(join(import.meta.dirname, "..", "..", "stacks"), "acme-prod");
  const [model] = models;
  const pool = gpuPools.find(({ name }) => name === model?.gpu.pool);
  if (model === undefined || pool === undefined) throw new Error("acme-prod serves nothing");
  return {
    config: { ...model, name: "mistral", tenant: "claims", ...config },
    pool,
    evaluations: [],
    deployment: DEPLOYMENT,
    scaler: {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name: "mistral", namespace: "claims", labels: LABELS },
      spec: {
        minReplicaCount: 0,
        maxReplicaCount: 6,
        triggers: [
          { metadata: { threshold: "5", query: 'sum(x{pod=~"mistral-[a-z0-9]+-[a-z0-9]+"})' } },
          { metadata: { threshold: "1", query: 'sum(y{model="mistral"})' } },
        ],
      },
    },
  };
}
