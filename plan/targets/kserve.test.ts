import { describe, expect, it } from "vitest";
import { DEPLOYMENT, plannedFixture } from "../testing/planned-model.ts";
import { exportToKServe } from "./kserve.ts";

const [ENGINE] = DEPLOYMENT.spec.template.spec.containers;

describe("exportToKServe", () => {
  it("brings the signed reports its pods start behind", () => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "evaluation-mistral-1" } };
    const { files } = exportToKServe({ ...plannedFixture(), evaluations: [{ kind: "signed", map }] });
    expect(files[0]?.documents[0]).toEqual(map);
  });

  it("keeps the pod, and lets the model's scaler scale and count what KServe makes", () => {
    const { files, commands } = exportToKServe(plannedFixture());
    expect(commands).toEqual(["kubectl apply -f mistral.yaml"]);
    expect(files).toEqual([
      {
        name: "mistral.yaml",
        documents: [
          {
            apiVersion: "serving.kserve.io/v1beta1",
            kind: "InferenceService",
            metadata: {
              ...DEPLOYMENT.metadata,
              annotations: {
                "serving.kserve.io/deploymentMode": "Standard",
                "serving.kserve.io/autoscalerClass": "external",
              },
            },
            spec: {
              predictor: {
                ...DEPLOYMENT.spec.template.metadata,
                ...DEPLOYMENT.spec.template.spec,
                containers: [{ ...ENGINE, name: "kserve-container" }],
              },
            },
          },
          {
            ...plannedFixture().scaler,
            spec: {
              minReplicaCount: 0,
              maxReplicaCount: 6,
              scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "mistral-predictor" },
              triggers: [
                {
                  metadata: {
                    threshold: "5",
                    query: 'sum(x{pod=~"mistral-predictor-[a-z0-9]+-[a-z0-9]+"})',
                  },
                },
                { metadata: { threshold: "1", query: 'sum(y{model="mistral"})' } },
              ],
            },
          },
        ],
      },
    ]);
  });
});
