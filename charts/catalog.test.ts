import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CHART_NAMES, pinnedChart } from "./catalog.ts";

describe("chart pins", () => {
  it("has one folder per chart and no others", () => {
    const folders = readdirSync(new URL(".", import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
    expect(folders).toEqual([...CHART_NAMES]);
  });

  it.each(CHART_NAMES)("%s is pinned to an exact version of the chart of that name", (name) => {
    expect(pinnedChart(name).pin.name).toBe(name);
  });

  it("names every chart whose archive digest nobody has verified", () => {
    expect(CHART_NAMES.filter((name) => pinnedChart(name).pin.digest.kind === "unverified")).toEqual([
      "argo-rollouts",
      "argo-workflows",
      "aws-load-balancer-controller",
      "dcgm-exporter",
      "gpu-operator",
      "karpenter",
      "keda",
      "kube-prometheus-stack",
      "loki",
      "lws",
      "mlflow",
      "nvidia-device-plugin",
      "opencost",
      "tempo",
    ]);
  });
});
