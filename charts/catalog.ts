import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

/** Third-party charts the blueprint installs. */
export const CHART_NAMES = [
  "argo-rollouts",
  "argo-workflows",
  "aws-load-balancer-controller",
  "cluster-autoscaler",
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
] as const;

/** Folder of a pinned chart. */
export type ChartName = (typeof CHART_NAMES)[number];

const pin = z.strictObject({
  name: z.string().min(1),
  version: z.string().regex(/^v?\d+\.\d+\.\d+$/, { error: "must be an exact version" }),
  repository: z.string().regex(/^(https|oci):\/\//, { error: "must be an https or oci repository" }),
  digest: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("sha256"), value: z.string().regex(/^[0-9a-f]{64}$/) }),
    z.strictObject({ kind: z.literal("unverified"), reason: z.string().min(10) }),
  ]),
  source: z.url(),
  asOf: z.iso.date(),
});

/** A third-party chart at one exact version; `digest` is that of the chart's archive. */
export type ChartPin = z.output<typeof pin>;

/** A pin with the values every environment starts from. */
export interface PinnedChart {
  readonly pin: ChartPin;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads a pinned chart.
 * @throws Error naming the file when it is malformed.
 */
export function pinnedChart(name: ChartName): PinnedChart {
  const read = (file: string): unknown =>
    parse(readFileSync(new URL(`./${name}/${file}`, import.meta.url), "utf8"));
  const parsed = pin.safeParse(read("Chart.yaml"));
  if (!parsed.success) throw new Error(`charts/${name}/Chart.yaml: ${z.prettifyError(parsed.error)}`);
  return { pin: parsed.data, values: z.record(z.string(), z.unknown()).parse(read("values.yaml")) };
}
