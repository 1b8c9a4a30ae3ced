import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { METRICS } from "../../../monitoring/metrics.ts";
import { createMetrics, type GatewayMetrics } from "../../../gateway/src/metrics/metrics.ts";

/** Made-up load of one platform, written with the label sets that the gateway's own code, the engines and the exporters give. */
const MODELS = ["claims-assistant", "claims-reasoner"] as const;
const CLIENTS = [
  { client: "claims-portal", model: "claims-assistant", perSecond: 3.2 },
  { client: "claims-portal", model: "claims-reasoner", perSecond: 0.5 },
  { client: "broker-desk", model: "claims-assistant", perSecond: 1.1 },
  { client: "back-office", model: "claims-reasoner", perSecond: 0.3 },
] as const;
const ENDPOINT = "/v1/chat/completions";
const SHARES = {
  completed: 0.945,
  cached: 0.03,
  blocked: 0.008,
  review: 0.004,
  limited: 0.008,
  invalid: 0.002,
  shed: 0.002,
  failed: 0.0006,
  aborted: 0.0004,
} as const;

/** Deterministic numbers from 0 to 1. @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Share of the busiest hour's load: quiet nights, busy mornings. */
function daily(seconds: number): number {
  const hour = (seconds / 3600) % 24;
  return 0.25 + 0.75 * Math.max(0, Math.sin(((hour - 6) / 14) * Math.PI));
}

type Row = readonly [name: string, labels: Readonly<Record<string, string>>, value: number];

function text([name, labels, value]: Row, seconds: number): string {
  const pairs = Object.entries(labels).map(([label, each]) => `${label}=${JSON.stringify(each)}`);
  return `${name}{${pairs.join(",")}} ${value} ${seconds}\n`;
}

/** Labels Prometheus gives a target of a PodMonitor; a metric's own labels win where the monitor honours them. */
function target(namespace: string, pod: string, port: string): Record<string, string> {
  return {
    namespace,
    pod,
    container: pod.split("-")[0] ?? pod,
    job: `${namespace}/${pod}`,
    instance: "10.0.0.1:8080",
    endpoint: port,
  };
}

function serve(metrics: GatewayMetrics, seconds: number, elapsed: number, random: () => number): void {
  for (const { client, model, perSecond } of CLIENTS) {
    const calls = perSecond * daily(seconds) * elapsed * (0.9 + 0.2 * random());
    const labels = { client, model, endpoint: ENDPOINT };
    const length = (model === "claims-reasoner" ? 620 : 210) * (0.97 + 0.06 * random());
    for (const [result, share] of Object.entries(SHARES))
      metrics.requests.inc({ ...labels, result }, calls * share);
    metrics.inputTokens.inc(labels, calls * 850);
    metrics.outputTokens.inc(labels, calls * length);
    metrics.cost.inc({ ...labels, currency: "USD" }, (calls * (850 * 0.15 + length * 0.6)) / 1e6);
    metrics.offeredTokens.inc({ model, kind: "input" }, calls * 850);
    metrics.offeredTokens.inc({ model, kind: "output" }, calls * length);
    metrics.attempts.inc({ upstream: model, result: "ok" }, calls * 0.99);
    metrics.attempts.inc({ upstream: model, result: "failed" }, calls * 0.01);
    const busy = 0.6 + 0.8 * daily(seconds);
    for (let sample = 0; sample < 4; sample++) {
      const slow = model === "claims-reasoner" ? 9 : 2.2;
      metrics.duration.observe(
        { model, endpoint: ENDPOINT, result: "completed" },
        slow * busy * (0.4 - 0.8 * Math.log(1 - 0.98 * random())),
      );
      metrics.firstByte.observe(
        { model, endpoint: ENDPOINT },
        0.18 * busy * (0.6 - 0.7 * Math.log(1 - 0.98 * random())),
      );
    }
    for (let sample = 0; sample < 6; sample++) {
      const longer = -Math.log(1 - 0.98 * random());
      metrics.requestBytes.observe({ model }, 3400 * longer);
      metrics.requestInputTokens.observe({ model }, 850 * longer);
      metrics.requestOutputTokens.observe({ model }, length * longer);
    }
    for (const side of ["input", "output"] as const) {
      metrics.verdicts.inc({ guard: "pii", side, action: "pass" }, calls * 0.97);
      metrics.verdicts.inc({ guard: "pii", side, action: "redact" }, calls * 0.006);
      metrics.verdicts.inc({ guard: "secrets", side, action: "pass" }, calls);
      metrics.verdicts.inc({ guard: "secrets", side, action: "block" }, calls * 0.0005);
    }
    metrics.verdicts.inc({ guard: "prompt-injection", side: "input", action: "flag" }, calls * 0.004);
  }
  const runs = 0.02 * daily(seconds) * elapsed;
  const agent = { client: "back-office" };
  metrics.agentRuns.inc(agent, runs);
  for (let step = 1; step <= 6; step++) metrics.agentStep.observe(agent, Math.ceil(step * random()));
  metrics.agentTokens.inc(agent, runs * 5200);
  metrics.agentCost.inc({ ...agent, currency: "USD" }, runs * 0.004);
  metrics.agentLimits.inc({ ...agent, limit: "steps" }, runs * 0.02);
  metrics.agentToolCalls.inc({ ...agent, tool: "policy_search", result: "allowed" }, runs * 2.4);
  metrics.agentToolCalls.inc({ ...agent, tool: "other", result: "refused" }, runs * 0.01);
  metrics.rejected.inc({ reason: "unknown-key" }, 0.01 * elapsed);
  for (const model of MODELS) metrics.heldRequests.set({ model }, random() < 0.05 ? 2 : 0);
}

/** Counters of the engines, which rise for ever. */
class Engines {
  readonly #counters = new Map<string, number>();

  #count(key: string, more: number): number {
    const value = (this.#counters.get(key) ?? 0) + more;
    this.#counters.set(key, value);
    return value;
  }

  /** @see https://docs.vllm.ai/en/latest/usage/metrics.html */
  rows(seconds: number, elapsed: number, random: () => number): Row[] {
    return MODELS.flatMap((model) =>
      [0, 1].flatMap((replica): Row[] => {
        const labels = {
          ...target("claims", `${model}-6d4f9c7b5-x${replica}abc`, "http"),
          model_name: model,
          engine: "0",
        };
        const load = daily(seconds);
        const key = `${model}${replica}`;
        const tokens = 900 * load * elapsed;
        const mean = (model === "claims-reasoner" ? 0.031 : 0.014) * (0.7 + 0.5 * load);
        const edges = [0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.5];
        const buckets = [...edges, Infinity].map((edge): Row => [
          "vllm:inter_token_latency_seconds_bucket",
          { ...labels, le: edge === Infinity ? "+Inf" : String(edge) },
          this.#count(`${key}${edge}`, tokens * (1 - Math.exp(-edge / mean))),
        ]);
        return [
          ...buckets,
          ["vllm:num_requests_running", labels, Math.round(24 * load * (0.8 + 0.4 * random()))],
          ["vllm:num_requests_waiting", labels, Math.round(3 * load * random())],
          ["vllm:kv_cache_usage_perc", labels, 0.2 + 0.5 * load * (0.9 + 0.2 * random())],
          ["vllm:prefix_cache_queries_total", labels, this.#count(`${key}q`, tokens)],
          ["vllm:prefix_cache_hits_total", labels, this.#count(`${key}h`, tokens * 0.37)],
        ];
      }),
    );
  }
}

/** @see https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv */
function gpuRows(seconds: number, random: () => number): Row[] {
  return ["ip-10-20-1-14", "ip-10-20-1-87", "ip-10-20-2-31"].flatMap((host, index): Row[] => {
    const load = daily(seconds) * (0.85 + 0.15 * random());
    const labels = {
      ...target("gpu-system", "dcgm-exporter-x7k2p", "metrics"),
      Hostname: host,
      gpu: "0",
      UUID: `GPU-${index}`,
      modelName: "NVIDIA L40S",
    };
    return [
      ["DCGM_FI_DEV_GPU_UTIL", labels, Math.round(95 * load)],
      ["DCGM_FI_DEV_FB_USED", labels, 41_200 + index * 300],
      ["DCGM_FI_DEV_POWER_USAGE", labels, 90 + 220 * load],
      ["DCGM_FI_DEV_GPU_TEMP", labels, 38 + Math.round(30 * load)],
      ["DCGM_FI_DEV_XID_ERRORS", labels, 0],
      [
        "kube_node_labels",
        {
          ...target("monitoring", "kube-state-metrics-0", "http"),
          node: host,
          label_llmops_io_gpu_pool: "l40s",
        },
        1,
      ],
    ];
  });
}

/** What an evaluation of live answers exports, by the contract in monitoring/metrics.ts. */
class Evaluation {
  readonly #counters = new Map<string, number>();

  #count(key: string, more: number): number {
    const value = (this.#counters.get(key) ?? 0) + more;
    this.#counters.set(key, value);
    return value;
  }

  rows(seconds: number, elapsed: number, random: () => number): Row[] {
    return MODELS.flatMap((model): Row[] => {
      const labels = { ...target("evaluation", "judge-0", "http"), model };
      const judged = 0.3 * daily(seconds) * elapsed;
      const hallucinated = judged * (0.008 + 0.006 * random());
      const histogram = (name: string, edges: readonly number[], mean: number): Row[] => [
        ...[...edges, Infinity].map((edge): Row => [
          `${name}_bucket`,
          { ...labels, le: edge === Infinity ? "+Inf" : String(edge) },
          this.#count(`${model}${name}${edge}`, judged * Math.min(1, (edge / (2 * mean)) ** 2)),
        ]),
        [`${name}_count`, labels, this.#count(`${model}${name}`, judged)],
      ];
      return [
        [
          "llmops_eval_judged_answers_total",
          { ...labels, verdict: "supported" },
          this.#count(`${model}s`, judged - hallucinated),
        ],
        [
          "llmops_eval_judged_answers_total",
          { ...labels, verdict: "hallucinated" },
          this.#count(`${model}h`, hallucinated),
        ],
        ...histogram(METRICS.evalScore.name, METRICS.evalScore.edges, 0.45),
        ...histogram(METRICS.embeddingDistance.name, METRICS.embeddingDistance.edges, 0.3),
      ];
    });
  }
}

function alertRows(seconds: number, start: number): Row[] {
  const day = (seconds - start) / 86_400;
  const firing = (alertname: string, severity: string, signal: string): Row => [
    "ALERTS",
    { alertname, alertstate: "firing", severity, signal },
    1,
  ];
  return [
    ...(day > 3 && day < 3.05 ? [firing("LlmopsErrorBudgetSlowBurn", "warning", "availability")] : []),
    ...(day > 5.2 && day < 5.5 ? [firing("LlmopsCostSpike", "warning", "cost")] : []),
  ];
}

/** Moments and the time since the one before. */
interface Sampling {
  readonly start: number;
  readonly end: number;
  /** Distance between samples while the past is long ago, seconds. */
  readonly coarse: number;
  /** Distance in the last `fineFor` seconds. */
  readonly fine: number;
  readonly fineFor: number;
}

/** Writes OpenMetrics text that `promtool tsdb create-blocks-from openmetrics` takes. */
export async function writeSyntheticMetrics(
  file: string,
  { start, end, coarse, fine, fineFor }: Sampling,
): Promise<void> {
  const random = seeded(7);
  let waiting = 0;
  const metrics = createMetrics({
    inFlight: () => 6 + waiting,
    queued: () => waiting,
    auditReady: () => 1,
    auditUnsigned: () => 40 + waiting * 9,
    auditOpen: () => 6 + waiting,
    auditUnshipped: () => (waiting > 3 ? 1 : 0),
    auditBytes: () => 48e6 + waiting * 1e6,
    auditShipFailing: () => 0,
    stopped: () => 0,
    throttled: () => 0,
    replicas: () => new Map(),
  });
  const engines = new Engines();
  const evaluation = new Evaluation();
  const out = createWriteStream(file);
  for (
    let at = start, before = start - coarse;
    at <= end;
    before = at, at += at >= end - fineFor ? fine : coarse
  ) {
    waiting = Math.round(4 * daily(at) * random());
    serve(metrics, at, at - before, random);
    const own = (await metrics.registry.getMetricsAsJSON()).flatMap(({ name, values }) =>
      values.map((value): Row => {
        const labels = Object.fromEntries(
          Object.entries(value.labels).map(([label, each]) => [label, String(each)]),
        );
        const full = "metricName" in value && typeof value.metricName === "string" ? value.metricName : name;
        return [full, { ...target("llm-gateway", "gateway-0", "http"), ...labels }, value.value];
      }),
    );
    const rows = [
      ...own,
      ...engines.rows(at, at - before, random),
      ...evaluation.rows(at, at - before, random),
      ...gpuRows(at, random),
      ...alertRows(at, start),
    ];
    if (!out.write(rows.map((row) => text(row, at)).join(""))) await once(out, "drain");
  }
  out.end("# EOF\n");
  await once(out, "finish");
}
