import type { ScalingBehaviour } from "./model-scaler.ts";
import type { ScalerTrigger } from "./trigger.ts";

/** The part of a ScaledObject that an export needs. */
export interface ScaledObjectParts {
  readonly name: string;
  readonly namespace: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly behavior: ScalingBehaviour;
  readonly triggers: readonly ScalerTrigger[];
}

/** Objects for a cluster without KEDA. */
export interface HpaExport {
  /** `autoscaling/v2` HorizontalPodAutoscaler on external metrics. */
  readonly autoscaler: object;
  /** Rules of the Prometheus adapter (`rules.external` of its chart) that answer those metrics. */
  readonly adapterRules: readonly object[];
  /** What the HPA cannot do that KEDA does. */
  readonly lost: readonly string[];
}

/** Kubernetes metric name of a trigger. */
function metricName(model: string, trigger: string): string {
  return `llmops-${model}-${trigger}`;
}

/** First selector of a query: the adapter lists metrics by it. */
function firstSelector(query: string): string {
  return /[a-zA-Z_:][a-zA-Z0-9_:]*\{[^}]*\}/.exec(query)?.[0] ?? query;
}

/**
 * A model's scaler as a plain HPA and rules of the Prometheus adapter.
 * @see https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/externalmetrics.md
 */
export function exportHpa({
  name,
  namespace,
  minReplicas,
  maxReplicas,
  behavior,
  triggers,
}: ScaledObjectParts): HpaExport {
  const queried = triggers.filter((trigger) => trigger.type === "prometheus");
  return {
    autoscaler: {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        minReplicas: Math.max(1, minReplicas),
        maxReplicas,
        behavior,
        metrics: queried.map(({ name: trigger, metadata }) => ({
          type: "External",
          external: {
            metric: { name: metricName(name, trigger) },
            target: { type: "AverageValue", averageValue: metadata.threshold },
          },
        })),
      },
    },
    adapterRules: queried.map(({ name: trigger, metadata }) => ({
      seriesQuery: firstSelector(metadata.query),
      resources: { namespaced: false },
      name: { as: metricName(name, trigger) },
      metricsQuery: metadata.query,
    })),
    lost: [
      "no fallback: while a metric is missing the HPA removes nothing, but it adds nothing either",
      ...(minReplicas === 0 ? ["no scale to zero: at least one replica always runs"] : []),
      ...triggers.filter(({ type }) => type === "cron").map(() => "no floor for busy hours"),
    ],
  };
}
