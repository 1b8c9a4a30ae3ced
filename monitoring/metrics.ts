import { BYTE_EDGES, LATENCY_EDGES, TOKEN_EDGES } from "../gateway/src/metrics/edges.ts";

/** Who exports a metric. */
export type Exporter = "gateway" | "evaluation" | "kube-state-metrics";

/** A counter or gauge that rules read. */
interface Scalar {
  readonly kind: "counter" | "gauge";
  readonly name: string;
  readonly labels: readonly string[];
  readonly exporter: Exporter;
}

/** A histogram with fixed edges. */
export interface HistogramMetric {
  readonly kind: "histogram";
  readonly name: string;
  readonly labels: readonly string[];
  readonly exporter: Exporter;
  /** Upper edges in the metric's unit, ascending, without infinity. */
  readonly edges: readonly number[];
}

/** Edges of scores from 0 (worst) to 1 (best). */
export const SCORE_EDGES: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/** Edges of cosine distances to the centre of the reference prompts, 0 to 2. */
export const DISTANCE_EDGES: readonly number[] = [
  0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5,
];

function gatewayCounter(name: string, ...labels: readonly string[]): Scalar {
  return { kind: "counter", name: `llmops_gateway_${name}`, labels, exporter: "gateway" };
}

function gatewayGauge(name: string): Scalar {
  return { kind: "gauge", name: `llmops_gateway_${name}`, labels: [], exporter: "gateway" };
}

function gatewayHistogram(
  name: string,
  edges: readonly number[],
  ...labels: readonly string[]
): HistogramMetric {
  return { kind: "histogram", name: `llmops_gateway_${name}`, labels, exporter: "gateway", edges };
}

/**
 * Every metric that rules of the platform read. Those of the gateway and of the evaluation of live answers are compared with their own
 * registries in tests.
 */
export const METRICS = {
  requests: gatewayCounter("requests_total", "client", "model", "endpoint", "result"),
  duration: gatewayHistogram("request_duration_seconds", LATENCY_EDGES, "model", "endpoint", "result"),
  firstToken: gatewayHistogram("time_to_first_token_seconds", LATENCY_EDGES, "model", "endpoint"),
  verdicts: gatewayCounter("guard_verdicts_total", "guard", "side", "action"),
  inputTokens: gatewayCounter("input_tokens_total", "client", "model", "endpoint"),
  outputTokens: gatewayCounter("output_tokens_total", "client", "model", "endpoint"),
  cost: gatewayCounter("cost_total", "client", "model", "endpoint", "currency"),
  requestBytes: gatewayHistogram("request_bytes", BYTE_EDGES, "model"),
  requestInputTokens: gatewayHistogram("request_input_tokens", TOKEN_EDGES, "model"),
  requestOutputTokens: gatewayHistogram("request_output_tokens", TOKEN_EDGES, "model"),
  auditReady: gatewayGauge("audit_ready"),
  auditShipFailing: gatewayGauge("audit_ship_failing"),
  auditUnshipped: gatewayGauge("audit_unshipped_segments"),
  stops: gatewayGauge("stops_in_force"),
  /** Live answers a judge has read, by verdict: `supported` or `hallucinated`. */
  judgedAnswers: {
    kind: "counter",
    name: "llmops_eval_judged_answers_total",
    labels: ["model", "verdict"],
    exporter: "evaluation",
  },
  /** Score of each live answer that was evaluated, 0 to 1. */
  evalScore: {
    kind: "histogram",
    name: "llmops_eval_score",
    labels: ["model"],
    exporter: "evaluation",
    edges: SCORE_EDGES,
  },
  /** Cosine distance of each sampled prompt's embedding to the centre of the reference set. */
  embeddingDistance: {
    kind: "histogram",
    name: "llmops_eval_embedding_distance",
    labels: ["model"],
    exporter: "evaluation",
    edges: DISTANCE_EDGES,
  },
  nodes: {
    kind: "gauge",
    name: "kube_node_labels",
    labels: ["node", "label_llmops_io_gpu_pool"],
    exporter: "kube-state-metrics",
  },
} as const satisfies Record<string, Scalar | HistogramMetric>;

/** Name of a metric in the registry. */
export type MetricName = keyof typeof METRICS;

/** Label matcher of a bucket's edge; Prometheus 3 writes whole numbers with `.0`, earlier versions do not. */
export function edgeMatcher(edge: number): string {
  return Number.isInteger(edge) ? `le=~"${edge}(\\\\.0)?"` : `le="${edge}"`;
}

/** Calls the platform failed to answer; what a guard, a limit or a caller's own mistake refused is not among them. */
export const FAILED_CALLS = `${METRICS.requests.name}{result=~"failed|shed"}`;

/** Calls the platform should have answered. */
export const ATTEMPTED_CALLS = `${METRICS.requests.name}{result!~"denied|invalid|limited|blocked|review"}`;

/**
 * Answers to people and applications: neither vectors, nor what the evaluation asks itself.
 * @param evaluationClient client of the gateway that evaluations call as, where there is one
 */
export function answersOf(evaluationClient: string | undefined): string {
  const others = evaluationClient === undefined ? "" : `,client!="${evaluationClient}"`;
  return `${METRICS.requests.name}{result="completed",endpoint!="/v1/embeddings"${others}}`;
}
