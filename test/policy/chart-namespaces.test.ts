import { describe, expect, it } from "vitest";
import { CHART_NAMESPACE_LABEL } from "../../components/policy/chart-namespace.ts";
import { ofType } from "../../graph/graph.ts";
import { isRecord, valueAt } from "../../graph/values.ts";
import { ENVIRONMENTS, planned } from "./environments.ts";

describe("charts of other projects", () => {
  it.each(ENVIRONMENTS)("of %s are in no namespace the admission policies watch", async (environment) => {
    const { graph } = (await planned(environment)).planned.plan;
    const watched = ofType(graph, "kubernetes:core/v1:Namespace")
      .filter(({ inputs }) => {
        const labels = valueAt(inputs, "metadata.labels");
        return (
          isRecord(labels) &&
          "llmops.io/client" in labels &&
          Object.keys(CHART_NAMESPACE_LABEL).every((key) => !(key in labels))
        );
      })
      .map(({ inputs }) => valueAt(inputs, "metadata.name"));
    const charts = ofType(graph, "kubernetes:helm.sh/v3:Release").map(({ inputs }) => ({
      chart: valueAt(inputs, "name"),
      namespace: valueAt(inputs, "namespace"),
    }));
    expect(charts.length).toBeGreaterThan(0);
    expect(charts.filter(({ namespace }) => watched.includes(namespace))).toEqual([]);
  });
});
