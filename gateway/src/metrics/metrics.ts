import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { BYTE_EDGES, LATENCY_EDGES, TOKEN_EDGES } from "./edges.ts";

const STEP_EDGES = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];

/** Metrics of one gateway; label values come from the configuration only, so their number is bounded. */
export interface GatewayMetrics {
  readonly registry: Registry;
  readonly requests: Counter<"client" | "model" | "endpoint" | "result">;
  readonly rejected: Counter<"reason">;
  readonly inputTokens: Counter<"client" | "model" | "endpoint">;
  readonly cachedInputTokens: Counter<"client" | "model" | "endpoint">;
  readonly outputTokens: Counter<"client" | "model" | "endpoint">;
  readonly cost: Counter<"client" | "model" | "endpoint" | "currency">;
  readonly firstByte: Histogram<"model" | "endpoint">;
  readonly duration: Histogram<"model" | "endpoint" | "result">;
  readonly verdicts: Counter<"guard" | "side" | "action">;
  readonly requestBytes: Histogram<"model">;
  readonly requestInputTokens: Histogram<"model">;
  readonly requestOutputTokens: Histogram<"model">;
  readonly attempts: Counter<"upstream" | "result">;
  readonly offeredTokens: Counter<"model" | "kind">;
  readonly heldRequests: Gauge<"model">;
  readonly spans: Counter<"result">;
  readonly agentRuns: Counter<"client">;
  readonly agentStep: Histogram<"client">;
  readonly agentLimits: Counter<"client" | "limit">;
  readonly agentToolCalls: Counter<"client" | "tool" | "result">;
  readonly agentTokens: Counter<"client">;
  readonly agentCost: Counter<"client" | "currency">;
}

/** Values read when the page is asked for. */
export interface GatewayGauges {
  inFlight(): number;
  queued(): number;
  auditReady(): number;
  auditUnsigned(): number;
  auditOpen(): number;
  auditUnshipped(): number;
  auditBytes(): number;
  auditShipFailing(): number;
  stopped(): number;
  throttled(): number;
  /** By upstream, of those whose replicas are known. */
  replicas(): ReadonlyMap<string, number>;
}

/** Makes the metrics of one gateway in a registry of their own. */
export function createMetrics(gauges: GatewayGauges): GatewayMetrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `llmops_gateway_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge("in_flight_requests", "Calls that run", () => gauges.inFlight());
  gauge("queue_depth", "Calls that wait for a place", () => gauges.queued());
  gauge("audit_ready", "1 when the audit log takes records", () => gauges.auditReady());
  gauge("audit_unsigned_records", "Records after the last signed checkpoint", () => gauges.auditUnsigned());
  gauge("audit_open_intents", "Calls whose outcome is not recorded yet", () => gauges.auditOpen());
  gauge("audit_unshipped_segments", "Sealed segments not yet in the store", () => gauges.auditUnshipped());
  gauge("audit_local_bytes", "Local size of the audit log", () => gauges.auditBytes());
  gauge("audit_ship_failing", "1 while the store refuses sealed segments", () => gauges.auditShipFailing());
  gauge("stops_in_force", "Stops an operator has put in force", () => gauges.stopped());
  gauge("throttles_in_force", "1 while calls are throttled", () => gauges.throttled());
  new Gauge({
    name: "llmops_gateway_upstream_replicas",
    help: "Replicas that take calls",
    labelNames: ["upstream"],
    registers,
    collect() {
      this.reset();
      for (const [upstream, count] of gauges.replicas()) this.set({ upstream }, count);
    },
  });
  const call = ["client", "model", "endpoint"] as const;
  return {
    registry,
    requests: new Counter({
      name: "llmops_gateway_requests_total",
      help: "Calls of known clients by result",
      labelNames: [...call, "result"],
      registers,
    }),
    rejected: new Counter({
      name: "llmops_gateway_rejected_total",
      help: "Requests turned away before the caller was known",
      labelNames: ["reason"],
      registers,
    }),
    inputTokens: new Counter({
      name: "llmops_gateway_input_tokens_total",
      help: "Input tokens",
      labelNames: [...call],
      registers,
    }),
    cachedInputTokens: new Counter({
      name: "llmops_gateway_cached_input_tokens_total",
      help: "Input tokens that the upstream found in its prompt cache, as far as it says so",
      labelNames: [...call],
      registers,
    }),
    outputTokens: new Counter({
      name: "llmops_gateway_output_tokens_total",
      help: "Output tokens",
      labelNames: [...call],
      registers,
    }),
    cost: new Counter({
      name: "llmops_gateway_cost_total",
      help: "Cost in units of the currency",
      labelNames: [...call, "currency"],
      registers,
    }),
    firstByte: new Histogram({
      name: "llmops_gateway_time_to_first_token_seconds",
      help: "Time to the first token or body byte from upstream",
      labelNames: ["model", "endpoint"],
      buckets: [...LATENCY_EDGES],
      registers,
    }),
    duration: new Histogram({
      name: "llmops_gateway_request_duration_seconds",
      help: "Time from request to its last record",
      labelNames: ["model", "endpoint", "result"],
      buckets: [...LATENCY_EDGES],
      registers,
    }),
    requestBytes: new Histogram({
      name: "llmops_gateway_request_bytes",
      help: "Bytes of the body of each call with usage",
      labelNames: ["model"],
      buckets: [...BYTE_EDGES],
      registers,
    }),
    requestInputTokens: new Histogram({
      name: "llmops_gateway_request_input_tokens",
      help: "Input tokens of each call with usage",
      labelNames: ["model"],
      buckets: [...TOKEN_EDGES],
      registers,
    }),
    requestOutputTokens: new Histogram({
      name: "llmops_gateway_request_output_tokens",
      help: "Output tokens of each call with usage",
      labelNames: ["model"],
      buckets: [...TOKEN_EDGES],
      registers,
    }),
    verdicts: new Counter({
      name: "llmops_gateway_guard_verdicts_total",
      help: "Guard verdicts",
      labelNames: ["guard", "side", "action"],
      registers,
    }),
    offeredTokens: new Counter({
      name: "llmops_gateway_offered_tokens_total",
      help: "Tokens of admitted and of shed calls as they arrive; output is the expected number",
      labelNames: ["model", "kind"],
      registers,
    }),
    heldRequests: new Gauge({
      name: "llmops_gateway_held_requests",
      help: "Calls that wait for the first replica of a model",
      labelNames: ["model"],
      registers,
    }),
    spans: new Counter({
      name: "llmops_gateway_trace_spans_total",
      help: "Spans taken by the receiver, not taken, and dropped because too many waited",
      labelNames: ["result"],
      registers,
    }),
    agentRuns: new Counter({
      name: "llmops_gateway_agent_runs_total",
      help: "Agent runs that began",
      labelNames: ["client"],
      registers,
    }),
    agentStep: new Histogram({
      name: "llmops_gateway_agent_run_step",
      help: "Number of each step in its agent run, from 1",
      labelNames: ["client"],
      buckets: STEP_EDGES,
      registers,
    }),
    agentLimits: new Counter({
      name: "llmops_gateway_agent_limits_total",
      help: "Steps and answers refused because of a limit of their agent run",
      labelNames: ["client", "limit"],
      registers,
    }),
    agentToolCalls: new Counter({
      name: "llmops_gateway_agent_tool_calls_total",
      help: "Tool calls in answers; tools the configuration does not name are other",
      labelNames: ["client", "tool", "result"],
      registers,
    }),
    agentTokens: new Counter({
      name: "llmops_gateway_agent_tokens_total",
      help: "Input and output tokens of steps of agent runs",
      labelNames: ["client"],
      registers,
    }),
    agentCost: new Counter({
      name: "llmops_gateway_agent_cost_total",
      help: "Cost of steps of agent runs in units of the currency",
      labelNames: ["client", "currency"],
      registers,
    }),
    attempts: new Counter({
      name: "llmops_gateway_upstream_attempts_total",
      help: "Tries against upstreams",
      labelNames: ["upstream", "result"],
      registers,
    }),
  };
}

/**
 * Shows the signals of models a scaler reads from the first scrape on: to a scaler a missing series is a failure, and a rate
 * leaves out what a counter begins with.
 */
export function showModels(
  { offeredTokens, heldRequests }: GatewayMetrics,
  models: readonly { readonly name: string }[],
): void {
  for (const { name: model } of models) {
    offeredTokens.inc({ model, kind: "input" }, 0);
    offeredTokens.inc({ model, kind: "output" }, 0);
    heldRequests.inc({ model }, 0);
  }
}
