import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import type { Registry } from "prom-client";
import { onlineMetrics } from "../../evals/online/metrics.ts";
import { METRICS, type Exporter } from "../../monitoring/metrics.ts";
import { isAlert } from "../../monitoring/rule.ts";
import { everything, gatewayRegistry, shipped } from "./environment.ts";

const compiled = { shipped: shipped(), everything: everything() };
const rulesOf = (which: keyof typeof compiled) => compiled[which].groups.flatMap(({ rules }) => rules);

/** Names of the metrics an expression reads. */
function metricsIn(expr: string): string[] {
  const names: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expr}`);
      if (type.name === "Identifier" && node.parent?.name === "VectorSelector")
        names.push(expr.slice(from, to));
    },
  });
  return names;
}

describe("compiled rules", () => {
  const known = new Set(
    Object.values(METRICS).flatMap(({ kind, name }) =>
      kind === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );

  it.each(["shipped", "everything"] as const)("of the %s file read only metrics of the registry", (which) => {
    const recorded = new Set(rulesOf(which).flatMap((rule) => (isAlert(rule) ? [] : [rule.record])));
    const strange = rulesOf(which)
      .flatMap(({ expr }) => metricsIn(expr))
      .filter((name) => !known.has(name) && !recorded.has(name));
    expect(strange).toEqual([]);
  });

  it.each(["shipped", "everything"] as const)("of the %s file are named once per set of labels", (which) => {
    const keys = rulesOf(which).map((rule) =>
      isAlert(rule)
        ? rule.alert
        : `${rule.record}${JSON.stringify(rule.labels ?? {})}${modelMatcher(rule.expr)}`,
    );
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });

  it("name series for dashboards that are recorded", () => {
    for (const which of ["shipped", "everything"] as const) {
      const recorded = new Set(rulesOf(which).flatMap((rule) => (isAlert(rule) ? [] : [rule.record])));
      const { objectives, metrics, detectors } = compiled[which];
      const named = [
        ...objectives.flatMap(({ errorRatio, budgetRemaining }) => [
          ...Object.values(errorRatio),
          budgetRemaining,
        ]),
        ...metrics.map(({ series }) => series),
        ...detectors.map(({ series }) => series),
      ];
      expect(named.filter((series) => !recorded.has(series))).toEqual([]);
    }
  });

  it("carry the action of the file's event, or none where people only are told", () => {
    const actions = (which: keyof typeof compiled): unknown[] => [
      ...new Set(compiled[which].alerts.map(({ event, action }) => `${event ?? ""} ${action ?? ""}`)),
    ];
    expect(actions("shipped")).toEqual([
      " ",
      "quality_drop rollback",
      "drift_detected retrain",
      "cost_spike throttle",
    ]);
    expect(actions("everything")).toEqual([" ", "quality_drop ", "drift_detected ", "cost_spike "]);
  });

  it("count a model's own limit at the edge below it, and the file's limit for every other", () => {
    const [own, rest] = rulesOf("shipped").filter(
      (rule) =>
        "record" in rule &&
        rule.record === "slo:sli_error:ratio_rate5m" &&
        rule.labels?.["sloth_slo"] === "latency_p99",
    );
    expect(own?.expr).toContain('model=~"slow",le=~"20(\\\\.0)?"');
    expect(rest?.expr).toContain('model!~"slow",le="0.8"');
  });
});

function modelMatcher(expr: string): string {
  return /model!?=~"[^"]*"/.exec(expr)?.[0] ?? "";
}

describe("the registry of metrics", () => {
  it.each<[Exporter, Registry]>([
    ["gateway", gatewayRegistry()],
    ["evaluation", onlineMetrics().registry],
  ])("names metrics, labels and edges of the %s as it exports them", async (exporter, registry) => {
    const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
    const own = Object.values(METRICS).filter((metric) => metric.exporter === exporter);
    expect(own.length).toBeGreaterThan(2);
    for (const metric of own) {
      const real = registry.getSingleMetric(metric.name) as unknown as
        { labelNames: string[]; buckets?: number[] } | undefined;
      expect([metric.name, types.get(metric.name), real?.labelNames]).toEqual([
        metric.name,
        metric.kind,
        metric.labels,
      ]);
      if (metric.kind === "histogram") expect(real).toHaveProperty("upperBounds", metric.edges);
    }
  });
});
