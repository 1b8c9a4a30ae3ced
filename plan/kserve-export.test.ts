import { describe, expect, it } from "vitest";
import { SECRET, UNKNOWN, type GraphValue } from "../graph/values.ts";
import { exportKServe, KServeExportError, type PlannedModel } from "./kserve-export.ts";

function planned(image: GraphValue = "engine@sha256:1"): PlannedModel {
  const labels = { "llmops.io/model": "mistral" };
  return {
    deployment: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "mistral", namespace: "claims", labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "mistral",
            containers: [
              { name: "engine", image },
              { name: "beside", image: "other@sha256:2" },
            ],
          },
        },
      },
    },
    scaler: {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name: "mistral", namespace: "claims" },
      spec: {
        scaleTargetRef: { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "mistral" },
        minReplicaCount: 0,
        maxReplicaCount: 6,
      },
    },
    delivery: "rolling",
  };
}

describe("exportKServe", () => {
  it("keeps the pod, and lets the model's scaler scale what KServe makes", () => {
    expect(exportKServe(planned())).toEqual({
      inferenceService: {
        apiVersion: "serving.kserve.io/v1beta1",
        kind: "InferenceService",
        metadata: {
          name: "mistral",
          namespace: "claims",
          labels: { "llmops.io/model": "mistral" },
          annotations: {
            "serving.kserve.io/deploymentMode": "Standard",
            "serving.kserve.io/autoscalerClass": "external",
          },
        },
        spec: {
          predictor: {
            labels: { "llmops.io/model": "mistral" },
            serviceAccountName: "mistral",
            containers: [
              { name: "kserve-container", image: "engine@sha256:1" },
              { name: "beside", image: "other@sha256:2" },
            ],
          },
        },
      },
      scaler: {
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: { name: "mistral", namespace: "claims" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "mistral-predictor" },
          minReplicaCount: 0,
          maxReplicaCount: 6,
        },
      },
      lost: [],
    });
  });

  it.each([
    ["canary", 1],
    ["blue-green", 1],
    ["rolling", 0],
  ] as const)("says what KServe does not do for a delivery by %s", (delivery, notes) => {
    expect(exportKServe({ ...planned(), delivery }).lost).toHaveLength(notes);
  });

  it.each([
    [UNKNOWN, "known after deployment only"],
    [SECRET, "a secret"],
  ])("refuses what it cannot write", (image, why) => {
    const error: unknown = (() => {
      try {
        return exportKServe(planned(image));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(KServeExportError);
    expect(String(error)).toContain(
      `Deployment mistral.spec.template.spec.containers[0].image is ${why}; it cannot be exported`,
    );
  });
});
