/** A scaler as another project ships it. */
export interface PeerDefault {
  readonly name: string;
  /** The `spec` of an equivalent ScaledObject, with the smallest and largest number of replicas left out. */
  readonly spec: (scope: { readonly model: string; readonly namespace: string }) => object;
  readonly source: string;
  /** Where the equivalence ends. */
  readonly note: string;
}

function trigger(name: string, query: string, threshold: number): object {
  return { type: "prometheus", name, metadata: { query, threshold: `${threshold}` } };
}

function gauge(
  name: string,
  { model, namespace }: { readonly model: string; readonly namespace: string },
): string {
  return `${name}{namespace="${namespace}",model_name="${model}"}`;
}

const EPP_BEHAVIOUR = {
  advanced: {
    horizontalPodAutoscalerConfig: {
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
        },
        scaleDown: {
          stabilizationWindowSeconds: 300,
          policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
        },
      },
    },
  },
};

/** Defaults of other projects, read on 2026-11-23. */
export const PEER_DEFAULTS: readonly PeerDefault[] = [
  {
    name: "production-stack as shipped",
    spec: (scope) => ({
      fallback: { failureThreshold: 3, replicas: 2 },
      triggers: [trigger("queue", gauge("vllm:num_requests_waiting", scope), 5)],
    }),
    source: "https://github.com/vllm-project/production-stack/blob/main/helm/values.yaml",
    note: "the label `model` of its template is taken for `model_name`, or the query would be empty",
  },
  {
    name: "production-stack, summed",
    spec: (scope) => ({
      triggers: [trigger("queue", `sum(${gauge("vllm:num_requests_waiting", scope)})`, 5)],
    }),
    source: "https://github.com/vllm-project/production-stack/blob/main/helm/values.yaml",
    note: "what the query was meant to be",
  },
  {
    name: "GKE sample, waiting 10",
    spec: (scope) => ({
      triggers: [trigger("queue", `sum(${gauge("vllm:num_requests_waiting", scope)})`, 10)],
    }),
    source: "https://github.com/GoogleCloudPlatform/accelerated-platforms",
    note: "an HPA with an average of 10 is this sum",
  },
  {
    name: "GKE sample, running 10",
    spec: (scope) => ({
      triggers: [trigger("running", `sum(${gauge("vllm:num_requests_running", scope)})`, 10)],
    }),
    source: "https://github.com/GoogleCloudPlatform/accelerated-platforms",
    note: "an HPA with an average of 10 is this sum",
  },
  {
    name: "llm-d keda-epp, queue 1 and running 16",
    spec: (scope) => ({
      ...EPP_BEHAVIOUR,
      triggers: [
        trigger("queue", `sum(${gauge("vllm:num_requests_waiting", scope)})`, 1),
        trigger("running", `sum(${gauge("vllm:num_requests_running", scope)})`, 16),
      ],
    }),
    source: "https://github.com/llm-d/llm-d/tree/main/guides/workload-autoscaling/keda-epp",
    note: "the queue of its endpoint picker is taken for the engines' queue",
  },
  {
    name: "KAITO, waiting 10, slow",
    spec: (scope) => ({
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 300 }] },
            scaleDown: {
              stabilizationWindowSeconds: 300,
              policies: [{ type: "Pods", value: 1, periodSeconds: 600 }],
            },
          },
        },
      },
      triggers: [trigger("queue", `sum(${gauge("vllm:num_requests_waiting", scope)})`, 10)],
    }),
    source: "https://github.com/kaito-project/kaito/blob/main/docs/proposals/20250704-keda-kaito-scaler.md",
    note: "",
  },
  {
    name: "NIM operator sample, key-value cache 0.5",
    spec: (scope) => ({
      triggers: [trigger("cache", `sum(${gauge("vllm:kv_cache_usage_perc", scope)})`, 0.5)],
    }),
    source: "https://github.com/NVIDIA/k8s-nim-operator/tree/main/config/samples",
    note: "an HPA with an average of 0.5 is this sum",
  },
];
