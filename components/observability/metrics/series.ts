/** Which series leave the cluster. */
export type SentSeries = "platform" | "all";

/**
 * Names of the platform's own series: what the gateway, the evaluation, the engines and the GPUs export and what the rules
 * record. Dashboards, alerts, cost and reports need no other.
 */
export const PLATFORM_SERIES =
  "(llmops|slo|vllm|sglang|tgi|nv|DCGM|ALERTS|kube_node_labels|kube_pod_container_resource_requests|up)([_:].*)?";
