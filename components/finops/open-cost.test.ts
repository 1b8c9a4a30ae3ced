import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { OpenCost } from "./open-cost.ts";

describe("OpenCost", () => {
  it("takes the platform's price, asks the platform's Prometheus, and shows no page", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new OpenCost(
          "opencost",
          { clusterName: "acme-prod", usdPerGpuHour: 2.764, modelLabel: "llmops.io/model" },
          {},
        ),
    });
    const [release] = ofType(graph, "kubernetes:helm.sh/v3:Release");
    const values = release?.inputs["values"] ?? null;
    expect(release?.inputs).toMatchObject({ chart: "opencost", version: "2.5.29", namespace: "opencost" });
    expect(valueAt(values, "opencost.customPricing.costModel")).toMatchObject({ GPU: 2.764, CPU: 0, RAM: 0 });
    expect(valueAt(values, "opencost.ui.enabled")).toBe(false);
    expect(valueAt(values, "networkPolicies.enabled")).toBe(true);
    expect(valueAt(values, "opencost.prometheus.internal")).toEqual({
      enabled: true,
      serviceName: "kube-prometheus-stack-prometheus",
      namespaceName: "monitoring",
      port: 9090,
    });
    expect(valueAt(values, "opencost.exporter.extraEnv")).toEqual({
      INFERENCE_COST_ENABLED: "true",
      INFERENCE_MODEL_LABEL: "llmops.io/model",
    });
  });

  it("exports no second copy of what nodes are counted by", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new OpenCost("opencost", { clusterName: "c", usdPerGpuHour: 1, modelLabel: "llmops.io/model" }, {}),
    });
    const values = ofType(graph, "kubernetes:helm.sh/v3:Release")[0]?.inputs["values"] ?? null;
    expect(valueAt(values, "opencost.metrics")).toEqual({
      kubeStateMetrics: { emitKsmV1Metrics: false, emitKsmV1MetricsOnly: false },
      serviceMonitor: {
        enabled: true,
        metricRelabelings: [{ sourceLabels: ["__name__"], regex: "kube_.*", action: "drop" }],
      },
    });
  });
});
