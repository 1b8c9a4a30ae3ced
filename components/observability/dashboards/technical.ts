import type { CompiledDetector } from "../../../monitoring/compiled.ts";
import type { EngineGauges } from "../../serving/engine-metrics.ts";
import {
  highIsGood,
  INFORMS,
  lowIsGood,
  type DashboardSpec,
  type Panel,
  type PanelGroup,
  type PanelQuery,
} from "./panel.ts";
import { increase, ofCalls, ofEngines, ofModels, orZero, quantile, rate, select } from "./queries.ts";
import { strictest, type DashboardScope } from "./scope.ts";

const QUANTILES = [0.5, 0.95, 0.99] as const;
const USD = 'currency="USD"';

type Lines = Pick<Panel, "title" | "description" | "unit" | "runbook"> & {
  readonly queries: Panel["queries"];
  readonly thresholds?: Panel["thresholds"];
};

function lines({ thresholds = INFORMS, ...panel }: Lines): Panel {
  return { ...panel, thresholds, visual: "lines" };
}

function one(expr: string, legend: string): readonly [PanelQuery] {
  return [{ expr, legend }];
}

function percentiles(buckets: string): Panel["queries"] {
  const [median, high, highest] = QUANTILES.map((share) => ({
    expr: quantile(share, buckets, buckets.startsWith("llmops_") ? "model" : "model_name"),
    legend: `p${share * 100} ${buckets.startsWith("llmops_") ? "{{model}}" : "{{model_name}}"}`,
  })) as [PanelQuery, PanelQuery, PanelQuery];
  return [median, high, highest];
}

function traffic(): PanelGroup {
  const calls = ofCalls("requests_total");
  const split = (label: string): Panel =>
    lines({
      title: `Calls by ${label}`,
      description: `Calls of known clients per second, by ${label}.`,
      unit: "reqps",
      queries: one(rate(calls, label), `{{${label}}}`),
      runbook: "availability",
    });
  return {
    title: "Traffic",
    panels: [
      split("result"),
      split("model"),
      split("client"),
      split("endpoint"),
      lines({
        title: "Turned away before the caller was known",
        description: "Requests without a valid key, of a wrong form, or while nothing can be recorded.",
        unit: "reqps",
        queries: one("sum by (reason) (rate(llmops_gateway_rejected_total[$__rate_interval]))", "{{reason}}"),
        runbook: "availability",
      }),
      lines({
        title: "Tries against upstreams",
        description:
          "Retries and fallbacks count once each; failures of one upstream open its circuit breaker.",
        unit: "reqps",
        queries: one(
          "sum by (upstream, result) (rate(llmops_gateway_upstream_attempts_total[$__rate_interval]))",
          "{{upstream}}, {{result}}",
        ),
        runbook: "availability",
      }),
    ],
  };
}

function latency(scope: DashboardScope): PanelGroup {
  const ttft = strictest(scope, ({ ttftP95Seconds }) => ttftP95Seconds);
  const e2e = strictest(scope, ({ e2eP99Seconds }) => e2eP99Seconds);
  const within = (bound: number | undefined): Panel["thresholds"] =>
    bound === undefined ? INFORMS : lowIsGood(bound * 0.8, bound);
  const tokenLatencies = scope.engines.flatMap(({ tokenLatency }) => tokenLatency ?? []);
  return {
    title: "Latency",
    panels: [
      lines({
        title: "Whole call",
        description: `p50, p95 and p99 of completed calls at the gateway${e2e === undefined ? "" : `; the line is the strictest objective for p99, ${e2e} s`}.`,
        unit: "s",
        queries: percentiles(ofModels("request_duration_seconds_bucket", 'result="completed"')),
        thresholds: within(e2e),
        runbook: "availability",
      }),
      lines({
        title: "Time to first token (TTFT)",
        description: `p50, p95 and p99 until the first token or body byte at the gateway${ttft === undefined ? "" : `; the line is the strictest objective for p95, ${ttft} s`}.`,
        unit: "s",
        queries: percentiles(ofModels("time_to_first_token_seconds_bucket")),
        thresholds: within(ttft),
        runbook: "availability",
      }),
      ...tokenLatencies.map((histogram) =>
        lines({
          title: "Time per output token (TPOT)",
          description:
            "p50, p95 and p99 between two tokens, as the engine measures it; it rises before queues do. Read faster than about 0.1 s, text appears faster than people read.",
          unit: "s",
          queries: percentiles(ofEngines(`${histogram}_bucket`)),
          thresholds: lowIsGood(0.1, 0.2),
          runbook: "availability",
        }),
      ),
    ],
  };
}

function tokens(): PanelGroup {
  return {
    title: "Tokens",
    panels: [
      lines({
        title: "Tokens in and out",
        description: "Tokens of answered calls per second, by model.",
        unit: "tps",
        queries: [
          { expr: rate(ofCalls("input_tokens_total"), "model"), legend: "{{model}}, input" },
          { expr: rate(ofCalls("output_tokens_total"), "model"), legend: "{{model}}, output" },
        ],
        runbook: "cost",
      }),
      lines({
        title: "Offered tokens",
        description: "Tokens of calls as they arrive, answered or shed; what the autoscaler follows.",
        unit: "tps",
        queries: one(rate(ofModels("offered_tokens_total"), "model", "kind"), "{{model}}, {{kind}}"),
        runbook: "availability",
      }),
    ],
  };
}

function cost({ providers }: DashboardScope): PanelGroup {
  const paid = ofCalls("cost_total", USD);
  const spread = (label: string): Panel => ({
    title: `Paid to providers, by ${label}`,
    description: `Cost of external providers in the range shown, by ${label}; own GPUs are in the total per hour.`,
    unit: "currencyUSD",
    visual: "bars",
    queries: one(increase(paid, label), `{{${label}}}`),
    thresholds: INFORMS,
    runbook: "cost",
  });
  const perRequest = lines({
    title: "Cost of a call to a provider",
    description: "Cost over completed calls, by model; a longer prompt or answer makes it rise.",
    unit: "currencyUSD",
    queries: one(
      `${rate(paid, "model")} / (${rate(ofCalls("requests_total", 'result="completed"'), "model")} > 0)`,
      "{{model}}",
    ),
    runbook: "cost",
  });
  return {
    title: "Cost",
    panels: [
      lines({
        title: "Cost per hour",
        description: "Providers in the last hour plus running GPU nodes at list price.",
        unit: "currencyUSD",
        queries: one("llmops:cost_usd:per_hour", "USD per hour"),
        runbook: "cost",
      }),
      ...(providers === "priced" ? [perRequest, spread("model"), spread("endpoint"), spread("client")] : []),
    ],
  };
}

function engineQueue({ waiting, waitingMatchers, running, runningMatchers }: EngineGauges): Panel {
  // Engines label their gauges differently; the pods of a model share the namespace and the pod's prefix.
  return lines({
    title: `In the engine: ${waiting.split(/[:_]/)[0] ?? waiting}`,
    description: "Requests that run in and wait for the engine's batch, by pod.",
    unit: "short",
    queries: [
      { expr: `sum by (pod) (${select(running, ...runningMatchers)})`, legend: "{{pod}}, running" },
      { expr: `sum by (pod) (${select(waiting, ...waitingMatchers)})`, legend: "{{pod}}, waiting" },
    ],
    runbook: "availability",
  });
}

function queue({ engines }: DashboardScope): PanelGroup {
  return {
    title: "Queue",
    panels: [
      lines({
        title: "In the gateway",
        description: "Calls that run, wait for a place, and wait for a model's first replica.",
        unit: "short",
        queries: [
          { expr: "sum(llmops_gateway_in_flight_requests)", legend: "running" },
          { expr: "sum(llmops_gateway_queue_depth)", legend: "waiting" },
          { expr: orZero(`sum(${ofModels("held_requests")})`), legend: "held for a first replica" },
        ],
        runbook: "availability",
      }),
      ...engines.map(engineQueue),
    ],
  };
}

function cache({ engines }: DashboardScope): PanelGroup {
  const answered = ofCalls("requests_total", 'result=~"completed|cached"');
  return {
    title: "Cache",
    panels: [
      lines({
        title: "Answered from the gateway's cache",
        description: "Share of answered calls that no engine saw.",
        unit: "percentunit",
        queries: one(
          `${orZero(rate(ofCalls("requests_total", 'result="cached"')))} / ${rate(answered)}`,
          "cached",
        ),
        runbook: "cost",
      }),
      ...engines.flatMap(({ cacheUsage }) =>
        cacheUsage === undefined
          ? []
          : lines({
              title: "Key-value cache in use",
              description: "Above 90 % the engine preempts requests and latency jumps.",
              unit: "percentunit",
              queries: one(`max by (model_name, pod) (${ofEngines(cacheUsage)})`, "{{pod}}"),
              thresholds: lowIsGood(0.8, 0.9),
              runbook: "availability",
            }),
      ),
      ...engines.flatMap(({ prefixCache }) =>
        prefixCache === undefined
          ? []
          : lines({
              title: "Prompt tokens found in the prefix cache",
              description: "Shared beginnings of prompts are not computed again; a new template lowers it.",
              unit: "percentunit",
              queries: one(
                `${rate(ofEngines(prefixCache.hits), "model_name")} / ${rate(ofEngines(prefixCache.queries), "model_name")}`,
                "{{model_name}}",
              ),
              runbook: "cost",
            }),
      ),
    ],
  };
}

/** @see https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv */
function gpu(): PanelGroup {
  const perGpu = (metric: string): string => `max by (Hostname, gpu) (${metric})`;
  const legend = "{{Hostname}} {{gpu}}";
  return {
    title: "GPU",
    panels: [
      lines({
        title: "Utilisation",
        description: "Share of time a kernel ran; near zero on a node that is paid for is waste.",
        unit: "percentunit",
        queries: one(`${perGpu("DCGM_FI_DEV_GPU_UTIL")} / 100`, legend),
        runbook: "cost",
      }),
      lines({
        title: "Memory in use",
        description: "Engines take their cache at the start, so it is flat; a step means a restart.",
        unit: "mbytes",
        queries: one(perGpu("DCGM_FI_DEV_FB_USED"), legend),
        runbook: "availability",
      }),
      lines({
        title: "Power",
        description: "Draw of each GPU.",
        unit: "watt",
        queries: one(perGpu("DCGM_FI_DEV_POWER_USAGE"), legend),
        runbook: "cost",
      }),
      lines({
        title: "Temperature",
        description: "GPUs slow themselves down when they get too hot; limits differ by model.",
        unit: "celsius",
        queries: one(perGpu("DCGM_FI_DEV_GPU_TEMP"), legend),
        thresholds: lowIsGood(80, 87),
        runbook: "availability",
      }),
      {
        title: "Last error code (XID)",
        description: "0 is none. 48, 63, 64, 74, 79, 94 and 95 point at hardware: drain the node.",
        unit: "none",
        visual: "bars",
        queries: one(perGpu("DCGM_FI_DEV_XID_ERRORS"), legend),
        thresholds: lowIsGood(1, 48),
        runbook: "availability",
      },
      {
        title: "Nodes by pool",
        description: "GPU nodes that run and are paid for.",
        unit: "short",
        visual: "bars",
        queries: one(
          'count by (label_llmops_io_gpu_pool) (kube_node_labels{label_llmops_io_gpu_pool!=""})',
          "{{label_llmops_io_gpu_pool}}",
        ),
        thresholds: INFORMS,
        runbook: "cost",
      },
    ],
  };
}

function guards(): PanelGroup {
  const verdicts = (...matchers: readonly string[]): string =>
    select("llmops_gateway_guard_verdicts_total", ...matchers);
  return {
    title: "Guards",
    panels: [
      lines({
        title: "Verdicts by action",
        description: "What guards did per second; `error` means a guard failed and its side was refused.",
        unit: "reqps",
        queries: one(rate(verdicts(), "action"), "{{action}}"),
        runbook: "quality",
      }),
      {
        title: "Interventions by guard",
        description: "Verdicts other than `pass` in the range shown.",
        unit: "short",
        visual: "bars",
        queries: one(
          increase(verdicts('action!="pass"'), "guard", "side", "action"),
          "{{guard}}, {{side}}: {{action}}",
        ),
        thresholds: INFORMS,
        runbook: "quality",
      },
    ],
  };
}

function audit(): PanelGroup {
  return {
    title: "Audit log",
    panels: [
      lines({
        title: "Lag of the audit log",
        description:
          "Records after the last signed checkpoint, calls without an outcome yet, and sealed segments that are not in the store.",
        unit: "short",
        queries: [
          { expr: "max(llmops_gateway_audit_unsigned_records)", legend: "unsigned records" },
          { expr: "sum(llmops_gateway_audit_open_intents)", legend: "calls without outcome" },
          { expr: "max(llmops_gateway_audit_unshipped_segments)", legend: "unshipped segments" },
        ],
        runbook: "audit-log",
      }),
      {
        title: "Gateways ready to record",
        description: "Share of the gateways whose log takes records.",
        unit: "percentunit",
        visual: "value",
        queries: one("avg(llmops_gateway_audit_ready)", "ready"),
        thresholds: highIsGood(0.5, 1),
        runbook: "audit-log",
      },
      {
        title: "Store refuses segments",
        description:
          "1 while the immutable store refuses sealed segments; they wait on the gateway's volume.",
        unit: "short",
        visual: "value",
        queries: one("max(llmops_gateway_audit_ship_failing)", "failing"),
        thresholds: lowIsGood(1, 1),
        runbook: "audit-log",
      },
      lines({
        title: "Local size of the audit log",
        description: "Bytes on each gateway's volume.",
        unit: "bytes",
        queries: one("max by (pod) (llmops_gateway_audit_local_bytes)", "{{pod}}"),
        runbook: "audit-log",
      }),
    ],
  };
}

const DETECTORS: Readonly<Record<CompiledDetector["detector"], string>> = {
  ks: "Largest distance between the distributions of the window and of the reference (Kolmogorov-Smirnov)",
  psi: "Population stability index of the window against the reference",
  cusum: "Cumulative sum of the evidence that the failure rate has risen",
  "page-hinkley": "Cumulative deviation of the failure rate from the reference's",
};

function legendOf(labels: readonly string[], otherwise: string): string {
  return labels.length === 0 ? otherwise : labels.map((label) => `{{${label}}}`).join(", ");
}

function drift({ detectors }: DashboardScope): PanelGroup {
  return {
    title: "Drift",
    panels: detectors.map(({ title, detector, series, by, threshold, alert }) =>
      lines({
        title,
        description: `${DETECTORS[detector]}. ${alert} fires above ${threshold}.`,
        unit: "short",
        queries: one(series, legendOf(by, "all")),
        thresholds: lowIsGood(threshold * 0.75, threshold),
        runbook: "drift",
      }),
    ),
  };
}

function evaluation({ measured }: DashboardScope): PanelGroup {
  const units = {
    ratio: "percentunit",
    USD: "currencyUSD",
    "USD/h": "currencyUSD",
    tokens: "short",
    "1/min": "short",
  } as const;
  const judged = measured.filter(({ unit }) => unit === "ratio");
  const answers = lines({
    title: "Answers judged in an hour",
    description:
      "Live answers a judge has read; below a few hundred the share of unsupported ones says little.",
    unit: "short",
    queries: one(
      'sum by (model, verdict) (increase(llmops_eval_judged_answers_total{model=~"$model"}[1h]))',
      "{{model}}, {{verdict}}",
    ),
    runbook: "quality",
  });
  return {
    title: "Evaluation",
    panels: [
      ...judged.map(({ title, unit, series, by, limit }) =>
        lines({
          title,
          description: `Over the last hour${limit === undefined ? "" : `; the limit is ${limit * 100} %`}.`,
          unit: units[unit],
          queries: one(series, legendOf(by, "all")),
          thresholds: limit === undefined ? INFORMS : lowIsGood(limit * 0.75, limit),
          runbook: "quality",
        }),
      ),
      ...(judged.some(({ id }) => id === "hallucination_rate") ? [answers] : []),
    ],
  };
}

function agents(): PanelGroup {
  const client = (metric: string, ...matchers: readonly string[]): string =>
    select(`llmops_gateway_agent_${metric}`, 'client=~"$client"', ...matchers);
  return {
    title: "Agents",
    panels: [
      lines({
        title: "Runs of agents",
        description: "Agent runs that began per second, by client.",
        unit: "reqps",
        queries: one(rate(client("runs_total"), "client"), "{{client}}"),
        runbook: "cost",
      }),
      lines({
        title: "How far runs go",
        description: "Number of the step within its run, median and p95; a rise means agents that loop.",
        unit: "short",
        queries: [
          { expr: quantile(0.5, client("run_step_bucket"), "client"), legend: "p50 {{client}}" },
          { expr: quantile(0.95, client("run_step_bucket"), "client"), legend: "p95 {{client}}" },
        ],
        runbook: "cost",
      }),
      {
        title: "Stopped by a limit of the run",
        description:
          "Steps and answers refused because a run had used up its steps, time, tokens, tools or money.",
        unit: "short",
        visual: "bars",
        queries: one(increase(client("limits_total"), "client", "limit"), "{{client}}: {{limit}}"),
        thresholds: INFORMS,
        runbook: "cost",
      },
      {
        title: "Tool calls",
        description: "Tool calls in answers in the range shown, by tool and what the gateway did with them.",
        unit: "short",
        visual: "bars",
        queries: one(increase(client("tool_calls_total"), "tool", "result"), "{{tool}}: {{result}}"),
        thresholds: INFORMS,
        runbook: "quality",
      },
      lines({
        title: "Tokens of runs",
        description: "Input and output tokens of steps of agent runs per second, by client.",
        unit: "tps",
        queries: one(rate(client("tokens_total"), "client"), "{{client}}"),
        runbook: "cost",
      }),
    ],
  };
}

/** For those on call: where time, tokens, money and errors go. */
export function technicalDashboard(scope: DashboardScope): DashboardSpec {
  return {
    uid: "llmops-technical",
    title: "LLMOps: technical",
    description:
      "Traffic, latency, tokens, cost, queue, cache, GPU, guards, audit log, drift, evaluation and agents.",
    from: "now-6h",
    groups: [
      traffic(),
      latency(scope),
      tokens(),
      cost(scope),
      queue(scope),
      cache(scope),
      ...(scope.gpus === "exported" ? [gpu()] : []),
      guards(),
      audit(),
      ...(scope.detectors.length > 0 ? [drift(scope)] : []),
      evaluation(scope),
      ...(scope.agents === "limited" ? [agents()] : []),
    ],
  };
}
