import { describe, expect, it } from "vitest";
import { exportHpa } from "./hpa-export.ts";

const query = 'sum(vllm:num_requests_waiting{namespace="claims"})';
const parts = {
  name: "mistral",
  namespace: "claims",
  minReplicas: 0,
  maxReplicas: 6,
  behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
  triggers: [
    { type: "prometheus", name: "queue-depth", metadata: { query, threshold: "5" } },
    {
      type: "cron",
      name: "busy-hours",
      metadata: { timezone: "UTC", start: "a", end: "b", desiredReplicas: "3" },
    },
  ],
} as const;

describe("exportHpa", () => {
  it("keeps queries, thresholds and limits, and says what is lost", () => {
    expect(exportHpa(parts)).toEqual({
      autoscaler: {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "mistral", namespace: "claims" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "mistral" },
          minReplicas: 1,
          maxReplicas: 6,
          behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
          metrics: [
            {
              type: "External",
              external: {
                metric: { name: "llmops-mistral-queue-depth" },
                target: { type: "AverageValue", averageValue: "5" },
              },
            },
          ],
        },
      },
      adapterRules: [
        {
          seriesQuery: 'vllm:num_requests_waiting{namespace="claims"}',
          resources: { namespaced: false },
          name: { as: "llmops-mistral-queue-depth" },
          metricsQuery: query,
        },
      ],
      lost: [
        "no fallback: while a metric is missing the HPA removes nothing, but it adds nothing either",
        "no scale to zero: at least one replica always runs",
        "no floor for busy hours",
      ],
    });
  });
});
