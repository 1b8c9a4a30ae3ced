import { METRICS, type HistogramMetric } from "../../../monitoring/metrics.ts";
import type { InputSeries } from "../../rules/promtool.ts";

/** What an alert must do with a course of metrics. */
export interface AlertCase {
  readonly alert: string;
  /** Which file is compiled. @default shipped */
  readonly file?: "shipped" | "everything";
  readonly what: string;
  /** Minutes between samples. */
  readonly interval: number;
  readonly series: readonly InputSeries[];
  /** Minute of the evaluation. */
  readonly at: number;
  readonly fires: "yes" | "no";
  readonly labels?: Readonly<Record<string, string>>;
}

const ready = (values: string): InputSeries => ['llmops_gateway_audit_ready{pod="gateway-0"}', values];
const requests = (result: string, values: string, model = "m"): InputSeries => [
  `llmops_gateway_requests_total{client="c",model="${model}",endpoint="/v1/chat/completions",result="${result}"}`,
  values,
];
/** A thousand four hundred a day, enough for a detector, of what nobody has to judge. */
const OWN_BUSINESS: readonly InputSeries[] = [
  ["evaluation", "/v1/chat/completions"],
  ["c", "/v1/embeddings"],
].map(([client, endpoint]): InputSeries => [
  `llmops_gateway_requests_total{client="${client}",model="m",endpoint="${endpoint}",result="completed"}`,
  "0+10x300",
]);

const verdicts = (action: string, values: string): InputSeries => [
  `llmops_gateway_guard_verdicts_total{guard="pii",side="output",action="${action}"}`,
  values,
];
const cost = (values: string): InputSeries => [
  'llmops_gateway_cost_total{client="c",model="m",endpoint="/v1/chat/completions",currency="USD"}',
  values,
];
const node = (index: number, values: string): InputSeries => [
  `kube_node_labels{node="n${index}",label_llmops_io_gpu_pool="l4"}`,
  values,
];

/** Counter that rises by `rate` a step for `steps`, then by `after` a step. */
function counter(rate: number, steps: number, after: number, more: number): string {
  return `0+${rate}x${steps} ${rate * steps + after}+${after}x${more - 1}`;
}

/** Labels of every series of an objective. */
const slo = (id: string, file = "llm-pipeline"): Record<string, string> => ({
  sloth_id: `${file}-${id}`,
  sloth_service: file,
  sloth_slo: id,
});

/** Samples a step in each bin of a histogram, first for `steps`, then, with other shares, for `more`. */
interface Course {
  readonly before: readonly number[];
  readonly steps: number;
  readonly after: readonly number[];
  readonly more: number;
}

/** Series of a histogram whose observations fall into the first bins. */
function histogram(
  { name, edges }: HistogramMetric,
  { before, steps, after, more }: Course,
  labels = 'model="m"',
): InputSeries[] {
  const upTo = (shares: readonly number[], bin: number): number =>
    shares.slice(0, bin + 1).reduce((sum, each) => sum + each, 0);
  const course = (bin: number): string => counter(upTo(before, bin), steps, upTo(after, bin), more);
  return [
    ...edges.map((edge, bin): InputSeries => [`${name}_bucket{${labels},le="${edge}"}`, course(bin)]),
    [`${name}_bucket{${labels},le="+Inf"}`, course(edges.length)],
    [`${name}_count{${labels}}`, course(edges.length)],
  ];
}

const judged = (verdict: string, values: string): InputSeries => [
  `llmops_eval_judged_answers_total{model="m",verdict="${verdict}"}`,
  values,
];

/** A week of steps of ten minutes and two hours more: what the shipped file compares with. */
const WEEK = 1_020;

/** Steps of ten minutes that fill the reference of a file: a week, or the six hours of the other one. */
const REFERENCE = { shipped: WEEK, everything: 60 } as const;

/** Minute four hours after a change, when rules that are evaluated every two hours have seen it twice. */
const seen = (steps: number): number => (steps + 24) * 10;

/** Both sides of a detector over a histogram, in one file. */
function histogramCases(alert: string, metric: HistogramMetric, file: "shipped" | "everything"): AlertCase[] {
  const labels = { model: "m" };
  const steps = REFERENCE[file];
  const at = seen(steps);
  const same: Course = { before: [30, 40, 30], steps, after: [30, 40, 30], more: 80 };
  const shifted: Course = { ...same, after: [5, 25, 70] };
  return [
    {
      alert,
      file,
      what: "a distribution that moved",
      interval: 10,
      series: histogram(metric, shifted),
      at,
      fires: "yes",
      labels,
    },
    {
      alert,
      file,
      what: "a distribution that stayed",
      interval: 10,
      series: histogram(metric, same),
      at,
      fires: "no",
    },
    {
      alert,
      file,
      what: "a move in too few samples",
      interval: 10,
      series: histogram(metric, { ...shifted, before: [3, 4, 3], after: [0, 2, 8] }),
      at,
      fires: "no",
    },
    {
      alert,
      file,
      what: "a distribution without a reference yet",
      interval: 10,
      series: histogram(metric, { ...shifted, steps: 1 }),
      at: 60,
      fires: "no",
    },
  ];
}

/** A detector whose metric the evaluation exports: what raises the alert that it cannot speak. */
function unmeasuredCases(
  alert: string,
  { name }: HistogramMetric,
  file: "shipped" | "everything",
): AlertCase[] {
  const samples = (values: string): InputSeries => [`${name}_count{model="m"}`, values];
  const answered = requests("completed", "0+10x300");
  const one = (what: string, series: readonly InputSeries[], fires: "yes" | "no"): AlertCase => ({
    ...{ alert, file, what, series, fires, interval: 10, at: 2_000 },
    ...(fires === "yes" ? { labels: { model: "m" } } : {}),
  });
  return [
    one("answers that nobody measures", [answered], "yes"),
    one("a day with fewer samples than a window needs", [answered, samples("0+3x300")], "yes"),
    one("samples of another model only", [answered, [`${name}_count{model="n"}`, "0+10x300"]], "yes"),
    one("samples enough", [answered, samples("0+4x300")], "no"),
    one("fewer answers than a window needs", [requests("completed", "0+3x300")], "no"),
    one("vectors, and what the evaluation asks itself", OWN_BUSINESS, "no"),
  ];
}

/** Calls of a latency histogram a minute: `slow` of a hundred come after the limit's edge. */
function latencyCourse(metric: HistogramMetric, labels: string, limit: number, slow: number): InputSeries[] {
  const shares = metric.edges.map((edge) => (edge === limit ? 100 - slow : 0));
  const all = [...shares, slow];
  return histogram(metric, { before: all, steps: 200, after: all, more: 100 }, labels);
}

/** Both burn rates of a latency objective: the edge of its limit, and shares of slow calls that do and do not burn. */
function latencyCases(
  alert: string,
  id: string,
  metric: HistogramMetric,
  limit: number,
  file: "shipped" | "everything",
  slow: { readonly fast: number; readonly none: number },
): AlertCase[] {
  const labels = metric.labels.includes("result")
    ? 'model="m",endpoint="/v1/chat/completions",result="completed"'
    : 'model="m",endpoint="/v1/chat/completions"';
  const of = (share: number): InputSeries[] => latencyCourse(metric, labels, limit, share);
  const expected = {
    ...slo(id, file === "shipped" ? "llm-pipeline" : "everything"),
    model: "m",
  };
  const one = (name: string, what: string, series: InputSeries[], fires: "yes" | "no"): AlertCase => ({
    alert: name,
    file,
    what,
    interval: name.endsWith("FastBurn") ? 1 : 20,
    series,
    at: name.endsWith("FastBurn") ? 130 : 5_000,
    fires,
    ...(fires === "yes" ? { labels: expected } : {}),
  });
  const few = histogram(
    metric,
    {
      before: metric.edges.map(() => 0).concat([1]),
      steps: 200,
      after: metric.edges.map(() => 0).concat([0]),
      more: 100,
    },
    labels,
  ).map(([name]): InputSeries => [
    name,
    name.includes('"+Inf"') || name.includes("_count") ? "0+1x30" : "0+0x30",
  ]);
  return [
    one(`${alert}FastBurn`, "many slow calls for two hours", of(slow.fast), "yes"),
    one(`${alert}FastBurn`, "as many slow calls as allowed", of(slow.none), "no"),
    one(`${alert}SlowBurn`, "slow calls for three days", of(slow.fast), "yes"),
    one(`${alert}SlowBurn`, "as few slow calls as allowed", of(slow.none), "no"),
    one(`${alert}FastBurn`, "thirty slow calls", few, "no"),
  ];
}
/** Every alert once with what raises it and once with what does not. */
export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: "LlmopsAuditNotReady",
    what: "a gateway that cannot record",
    interval: 1,
    series: [ready("1x5 0x10")],
    at: 10,
    fires: "yes",
  },
  {
    alert: "LlmopsAuditNotReady",
    what: "gateways that record",
    interval: 1,
    series: [ready("1x20")],
    at: 10,
    fires: "no",
  },
  { alert: "LlmopsGatewayAbsent", what: "no gateway", interval: 1, series: [], at: 10, fires: "yes" },
  {
    alert: "LlmopsGatewayAbsent",
    what: "a gateway",
    interval: 1,
    series: [ready("1x20")],
    at: 10,
    fires: "no",
  },
  {
    alert: "LlmopsAuditShipFailing",
    what: "a store that refuses",
    interval: 1,
    series: [["llmops_gateway_audit_ship_failing", "1x30"]],
    at: 20,
    fires: "yes",
  },
  {
    alert: "LlmopsAuditShipFailing",
    what: "a store that refuses for a moment",
    interval: 1,
    series: [["llmops_gateway_audit_ship_failing", "1x5 0x30"]],
    at: 20,
    fires: "no",
  },
  {
    alert: "LlmopsAuditBacklog",
    what: "waiting segments",
    interval: 1,
    series: [["llmops_gateway_audit_unshipped_segments", "30x30"]],
    at: 20,
    fires: "yes",
  },
  {
    alert: "LlmopsAuditBacklog",
    what: "a few waiting segments",
    interval: 1,
    series: [["llmops_gateway_audit_unshipped_segments", "20x30"]],
    at: 20,
    fires: "no",
  },
  {
    alert: "LlmopsStopped",
    what: "a stop",
    interval: 1,
    series: [["llmops_gateway_stops_in_force", "0x5 1x5"]],
    at: 7,
    fires: "yes",
  },
  {
    alert: "LlmopsStopped",
    what: "no stop",
    interval: 1,
    series: [["llmops_gateway_stops_in_force", "0x10"]],
    at: 7,
    fires: "no",
  },
  {
    alert: "LlmopsErrorBudgetFastBurn",
    what: "2 % of the calls failing for two hours",
    interval: 1,
    series: [requests("completed", "0+98x180"), requests("failed", "0+2x180")],
    at: 130,
    fires: "yes",
    labels: slo("availability"),
  },
  {
    alert: "LlmopsErrorBudgetFastBurn",
    what: "calls refused by guards and limits",
    interval: 1,
    series: [
      requests("completed", "0+98x180"),
      requests("blocked", "0+50x180"),
      requests("limited", "0+50x180"),
    ],
    at: 130,
    fires: "no",
  },
  {
    alert: "LlmopsErrorBudgetFastBurn",
    what: "errors that are over",
    interval: 1,
    series: [requests("completed", "0+98x180"), requests("failed", counter(2, 100, 0, 80))],
    at: 130,
    fires: "no",
  },
  {
    alert: "LlmopsErrorBudgetSlowBurn",
    what: "0.8 % of the calls failing for three days",
    interval: 20,
    series: [requests("completed", "0+496x250"), requests("failed", "0+4x250")],
    at: 5_000,
    fires: "yes",
    labels: slo("availability"),
  },
  {
    alert: "LlmopsErrorBudgetSlowBurn",
    what: "0.05 % of the calls failing",
    interval: 20,
    series: [requests("completed", "0+9995x250"), requests("failed", "0+5x250")],
    at: 5_000,
    fires: "no",
  },
  {
    alert: "LlmopsQualityDrop",
    what: "guards that intervene ten times as often",
    interval: 10,
    series: [verdicts("pass", "0+100x1100"), verdicts("redact", counter(1, WEEK, 10, 80))],
    at: seen(WEEK),
    fires: "yes",
  },
  {
    alert: "LlmopsQualityDrop",
    what: "guards that intervene as always",
    interval: 10,
    series: [verdicts("pass", "0+100x1100"), verdicts("redact", "0+2x1100")],
    at: seen(WEEK),
    fires: "no",
  },
  {
    alert: "LlmopsQualityDrop",
    what: "too few answers to judge",
    interval: 10,
    series: [verdicts("pass", "0+1x1100"), verdicts("redact", counter(0, WEEK, 1, 80))],
    at: seen(WEEK),
    fires: "no",
  },
  {
    alert: "LlmopsCostOverBudget",
    what: "nine nodes over a budget of eight",
    interval: 5,
    series: Array.from({ length: 9 }, (_, at) => node(at, "1x40")),
    at: 120,
    fires: "yes",
  },
  {
    alert: "LlmopsCostOverBudget",
    what: "eight nodes within a budget of eight",
    interval: 5,
    series: Array.from({ length: 8 }, (_, at) => node(at, "1x40")),
    at: 120,
    fires: "no",
  },
  {
    alert: "LlmopsCostSpike",
    what: "a provider that costs five times as much",
    interval: 10,
    series: [cost(counter(0.1, WEEK, 0.5, 80))],
    at: seen(WEEK),
    fires: "yes",
  },
  {
    alert: "LlmopsCostSpike",
    what: "a provider that costs as always",
    interval: 10,
    series: [cost("0+0.2x1100")],
    at: seen(WEEK),
    fires: "no",
  },
  {
    alert: "LlmopsCostSpike",
    what: "a rise of cents",
    interval: 10,
    series: [cost(counter(0.001, WEEK, 0.01, 80))],
    at: seen(WEEK),
    fires: "no",
  },
  {
    alert: "LlmopsHallucinationRate",
    what: "5 % of a thousand judged answers",
    interval: 1,
    series: [judged("supported", "0+95x100"), judged("hallucinated", "0+5x100")],
    at: 90,
    fires: "yes",
    labels: { model: "m" },
  },
  {
    alert: "LlmopsHallucinationRate",
    what: "2 % of the judged answers",
    interval: 1,
    series: [judged("supported", "0+98x100"), judged("hallucinated", "0+2x100")],
    at: 90,
    fires: "no",
  },
  {
    alert: "LlmopsHallucinationRate",
    what: "3 of 60 judged answers, which may be chance",
    interval: 10,
    series: [judged("supported", "0+9.5x30"), judged("hallucinated", "0+0.5x30")],
    at: 200,
    fires: "no",
  },
  {
    alert: "LlmopsHallucinationRate",
    file: "everything",
    what: "a judge that reads 3.8 % where 2 % is true",
    interval: 1,
    series: [judged("supported", "0+962x100"), judged("hallucinated", "0+38x100")],
    at: 90,
    fires: "no",
  },
  {
    alert: "LlmopsQualityUnmeasured",
    what: "a model whose answers nobody judges",
    interval: 10,
    series: [requests("completed", "0+10x300")],
    at: 2_000,
    fires: "yes",
    labels: { model: "m" },
  },
  {
    alert: "LlmopsQualityUnmeasured",
    what: "a model whose answers are judged",
    interval: 10,
    series: [requests("completed", "0+10x300"), judged("supported", "0+1x300")],
    at: 2_000,
    fires: "no",
  },
  {
    alert: "LlmopsQualityUnmeasured",
    what: "vectors, and what the evaluation asks itself",
    interval: 10,
    series: OWN_BUSINESS,
    at: 2_000,
    fires: "no",
  },
  ...latencyCases("LlmopsLatencyP99", "latency_p99", METRICS.duration, 0.8, "shipped", {
    fast: 20,
    none: 0.5,
  }),
  ...latencyCases("LlmopsLatencyP95", "latency_p95", METRICS.duration, 0.4, "everything", {
    fast: 90,
    none: 4,
  }),
  ...latencyCases("LlmopsFirstTokenP95", "time_to_first_token_p95", METRICS.firstToken, 0.4, "shipped", {
    fast: 90,
    none: 4,
  }),
  ...latencyCases("LlmopsFirstTokenP99", "time_to_first_token_p99", METRICS.firstToken, 1.5, "everything", {
    fast: 20,
    none: 0.5,
  }),
  {
    alert: "LlmopsLatencyP99FastBurn",
    what: "12 s of a model that may take 20 s",
    interval: 1,
    series: latencyCourse(
      METRICS.duration,
      'model="slow",endpoint="/v1/chat/completions",result="completed"',
      12,
      0,
    ),
    at: 130,
    fires: "no",
  },
  ...(["shipped", "everything"] as const).flatMap((file) => [
    ...histogramCases("LlmopsPromptLengthDrift", METRICS.requestBytes, file),
    ...histogramCases("LlmopsInputTokensDrift", METRICS.requestInputTokens, file),
    ...histogramCases("LlmopsOutputTokensDrift", METRICS.requestOutputTokens, file),
    ...histogramCases("LlmopsEmbeddingDrift", METRICS.embeddingDistance, file),
    ...histogramCases("LlmopsEvalScoreDrift", METRICS.evalScore, file),
    ...unmeasuredCases("LlmopsEmbeddingUnmeasured", METRICS.embeddingDistance, file),
    ...unmeasuredCases("LlmopsEvalScoreUnmeasured", METRICS.evalScore, file),
  ]),
  {
    alert: "LlmopsGuardVerdictDrift",
    what: "a guard that blocks ten times as often",
    interval: 10,
    series: [verdicts("pass", counter(95, WEEK, 50, 80)), verdicts("block", counter(5, WEEK, 50, 80))],
    at: seen(WEEK),
    fires: "yes",
    labels: { side: "output", guard: "pii" },
  },
  {
    alert: "LlmopsGuardVerdictDrift",
    what: "an action that never came before",
    interval: 10,
    series: [verdicts("pass", counter(100, WEEK, 70, 80)), verdicts("review", `_x${WEEK} 0+30x80`)],
    at: seen(WEEK),
    fires: "yes",
    labels: { side: "output", guard: "pii" },
  },
  {
    alert: "LlmopsGuardVerdictDrift",
    what: "verdicts as always",
    interval: 10,
    series: [verdicts("pass", "0+95x1100"), verdicts("block", "0+5x1100")],
    at: seen(WEEK),
    fires: "no",
  },
  {
    alert: "LlmopsEvalFailuresDrift",
    what: "6 % failures after hours with 2 %",
    interval: 1,
    series: [judged("supported", counter(49, 300, 47, 60)), judged("hallucinated", counter(1, 300, 3, 60))],
    at: 320,
    fires: "yes",
    labels: { model: "m" },
  },
  {
    alert: "LlmopsEvalFailuresDrift",
    what: "hours with 2 % failures",
    interval: 1,
    series: [judged("supported", "0+49x600"), judged("hallucinated", "0+1x600")],
    at: 590,
    fires: "no",
  },
  {
    alert: "LlmopsEvalFailuresDrift",
    file: "everything",
    what: "6 % failures after hours with 2 %",
    interval: 1,
    series: [judged("supported", counter(49, 500, 47, 60)), judged("hallucinated", counter(1, 500, 3, 60))],
    at: 520,
    fires: "yes",
    labels: { model: "m" },
  },
  {
    alert: "LlmopsEvalFailuresDrift",
    file: "everything",
    what: "hours with 2 % failures",
    interval: 1,
    series: [judged("supported", "0+49x600"), judged("hallucinated", "0+1x600")],
    at: 590,
    fires: "no",
  },
];
