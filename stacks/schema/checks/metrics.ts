import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { problem, type Check } from "./check.ts";

type MetricsKind = PlatformConfig["observability"]["metrics"]["kind"];
type Provider = PlatformConfig["cloud"]["provider"];

/** Clouds that offer what metrics of a kind need; every other kind runs anywhere. */
const OFFERED: Partial<Record<MetricsKind, readonly Provider[]>> = {
  "amazon-managed": ["aws"],
  "google-managed": ["gcp"],
  thanos: ["aws", "gcp"],
};

/** What a kind is billed by, which only the stack file can know. */
const BILLED_BY: Partial<Record<MetricsKind, "metricMillionSamples" | "objectStorageGiB">> = {
  "amazon-managed": "metricMillionSamples",
  "google-managed": "metricMillionSamples",
  thanos: "objectStorageGiB",
};

function cloudOffersMetrics({ observability: { metrics }, cloud }: PlatformConfig): ConfigProblem[] {
  const clouds = OFFERED[metrics.kind];
  if (clouds === undefined || clouds.includes(cloud.provider)) return [];
  return [
    problem(
      ["observability", "metrics", "kind"],
      metrics.kind,
      `provider '${cloud.provider}' has nothing to keep ${metrics.kind} metrics in`,
      "use remote-write with your own server, or local",
    ),
  ];
}

function metricsAreBudgeted({ observability: { metrics }, budget }: PlatformConfig): ConfigProblem[] {
  const quantity = BILLED_BY[metrics.kind];
  if (quantity === undefined || budget.usage[quantity] !== undefined) return [];
  return [
    problem(
      ["budget", "usage", quantity],
      undefined,
      `${metrics.kind} metrics are billed by it, so without it the cost is not complete`,
      `declare budget.usage.${quantity}: { expected: <number>, max: <number> }`,
    ),
  ];
}

/** Rules about where metrics go. */
export const metricsChecks: readonly Check[] = [
  { needs: ["observability", "cloud"], run: cloudOffersMetrics },
  { needs: ["observability", "budget"], run: metricsAreBudgeted },
];
