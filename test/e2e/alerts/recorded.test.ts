import { describe, expect, it } from "vitest";
import { METRICS, type HistogramMetric } from "../../../monitoring/metrics.ts";
import { isAlert } from "../../../monitoring/rule.ts";
import { everything, shipped } from "../../rules/environment.ts";
import { Promtool, type InputSeries } from "../../rules/promtool.ts";

const FILES = { shipped: shipped(), everything: everything() };
type File = keyof typeof FILES;

/** Ten hours in which a minute is like the other, then an hour in which some things differ. */
const BEFORE = 600;

/** Counter that rises by `rate` a minute, in the last hour by `after`. */
function rises(rate: number, after = rate): string {
  return `0+${rate}x${BEFORE} ${BEFORE * rate + after}+${after}x80`;
}

/** Observations a minute in each bin, before and in the last hour. */
function observed(
  { name, edges }: HistogramMetric,
  labels: string,
  before: Readonly<Record<string, number>>,
  after = before,
): InputSeries[] {
  const upTo = (bins: Readonly<Record<string, number>>, edge: number): number =>
    Object.entries(bins).reduce((sum, [bin, count]) => (Number(bin) <= edge ? sum + count : sum), 0);
  const course = (edge: number): string => rises(upTo(before, edge), upTo(after, edge));
  return [
    ...edges.map((edge): InputSeries => [`${name}_bucket{${labels},le="${edge}"}`, course(edge)]),
    [`${name}_bucket{${labels},le="+Inf"}`, course(Infinity)],
    [`${name}_count{${labels}}`, course(Infinity)],
  ];
}

const ENDPOINT = 'endpoint="/v1/chat/completions"';
const CALL = `client="c",model="m",${ENDPOINT}`;

/** The first three bins of a histogram: shares 0.6, 0.3, 0.1, in the last hour 0.2, 0.4, 0.4. */
function moving(metric: HistogramMetric): InputSeries[] {
  const [a = 0, b = 0, c = 0] = metric.edges;
  return observed(metric, 'model="m"', { [a]: 60, [b]: 30, [c]: 10 }, { [a]: 20, [b]: 40, [c]: 40 });
}

const SERIES: readonly InputSeries[] = [
  [`${METRICS.requests.name}{${CALL},result="completed"}`, rises(90)],
  [`${METRICS.requests.name}{${CALL},result="failed"}`, rises(10)],
  [`${METRICS.requests.name}{${CALL},result="blocked"}`, rises(50)],
  ...observed(METRICS.duration, `model="m",${ENDPOINT},result="completed"`, { 0.4: 60, 0.8: 20, 1.5: 20 }),
  ...observed(METRICS.duration, `model="slow",${ENDPOINT},result="completed"`, { 12: 90, 30: 10 }),
  ...observed(METRICS.firstToken, `model="m",${ENDPOINT}`, { 0.2: 50, 0.4: 30, 2: 20 }),
  [`${METRICS.verdicts.name}{guard="pii",side="output",action="pass"}`, rises(95, 70)],
  [`${METRICS.verdicts.name}{guard="pii",side="output",action="redact"}`, rises(5, 30)],
  ...[
    METRICS.requestBytes,
    METRICS.requestInputTokens,
    METRICS.requestOutputTokens,
    METRICS.embeddingDistance,
    METRICS.evalScore,
  ].flatMap(moving),
  [`${METRICS.judgedAnswers.name}{model="m",verdict="supported"}`, rises(96, 94)],
  [`${METRICS.judgedAnswers.name}{model="m",verdict="hallucinated"}`, rises(4, 6)],
  [`${METRICS.cost.name}{${CALL},currency="USD"}`, rises(1.2)],
  [`${METRICS.inputTokens.name}{${CALL}}`, rises(9_000)],
  [`${METRICS.outputTokens.name}{${CALL}}`, rises(4_500)],
  [`${METRICS.nodes.name}{node="n0",label_llmops_io_gpu_pool="l4"}`, "1x700"],
  [`${METRICS.nodes.name}{node="n1",label_llmops_io_gpu_pool="l4"}`, "1x700"],
];

type Expectation = readonly [selector: string, value: number];

/** Series of an objective: its error ratio over every window, and what follows from it. */
function objective(
  id: string,
  matchers: string,
  [target, days, ratio]: readonly [number, number, number],
): Expectation[] {
  const of = (series: string, more = ""): string => `${series}{sloth_slo="${id}"${more}}`;
  const budget = 1 - target;
  return [
    ...["5m", "30m", "1h", "2h", "6h", "1d", "3d", `${days}d`].map((window): Expectation => [
      of(`slo:sli_error:ratio_rate${window}`, matchers),
      ratio,
    ]),
    [of("slo:objective:ratio"), target],
    [of("slo:error_budget:ratio"), budget],
    [of("slo:time_period:days"), days],
    [of("slo:current_burn_rate:ratio", matchers), ratio / budget],
    [of("slo:period_burn_rate:ratio", matchers), ratio / budget],
    [of("slo:period_error_budget_remaining:ratio", matchers), 1 - ratio / budget],
  ];
}

/** Index of the shares 0.2, 0.4, 0.4 against 0.6, 0.3, 0.1, by hand. */
const PSI = -0.4 * Math.log(0.2 / 0.6) + 0.1 * Math.log(0.4 / 0.3) + 0.3 * Math.log(0.4 / 0.1);

function drift(signal: string, metric: HistogramMetric, detector: "ks" | "psi"): Expectation[] {
  const [, second] = metric.edges;
  const prefix = `llmops:${signal}`;
  return [
    [`${prefix}:cumulative_share{le="${second ?? ""}"}`, 0.6],
    [`${prefix}:reference_cumulative_share{le="${second ?? ""}"}`, 0.9],
    ...(detector === "ks"
      ? [[`${prefix}:ks`, 0.4] as const]
      : [
          [`${prefix}:share{bin="${second ?? ""}"}`, 0.4] as const,
          [`${prefix}:reference_share{bin="${second ?? ""}"}`, 0.3] as const,
          [`${prefix}:share{bin="more"}`, 0] as const,
          [`${prefix}:psi`, PSI] as const,
        ]),
  ];
}

function common(): Expectation[] {
  return [
    ["llmops:output_interventions:ratio_rate1h", 0.3],
    ["llmops:judged_answers:increase1h", 6_000],
    ["llmops:hallucination:observed_ratio_rate1h", 0.06],
    ["llmops:guard_verdicts:share{action='redact'}", 0.3],
    ["llmops:guard_verdicts:reference_share{action='redact'}", 0.05],
    ["llmops:guard_verdicts:psi", 0.25 * Math.log(0.3 / 0.05) - 0.25 * Math.log(0.7 / 0.95)],
    ["llmops:eval_judged:per_minute", 100],
    ["llmops:eval_failures:per_minute", 6],
    ["llmops:cost_usd:per_hour", 72 + 2.5],
    ["llmops:cost_usd_per_request:model_rate1h", 1.2 / 90],
    ["llmops:cost_usd_per_request:client_rate1h", 1.2 / 90],
    ["llmops:cost_usd_per_request:rate1h", 74.5 / 5_400],
    ["llmops:input_tokens_per_request:rate1h", 100],
    ["llmops:output_tokens_per_request:rate1h", 50],
  ];
}

const LOWER = 0.06 - 1.645 * Math.sqrt((0.06 * 0.94) / 6_000);

const EXPECTED: Readonly<Record<File, readonly Expectation[]>> = {
  shipped: [
    ...common(),
    ...objective("availability", "", [0.999, 30, 0.1]),
    ...objective("latency_p99", ',model="m"', [0.99, 30, 0.2]),
    // The model with a limit of 20 s of its own.
    ...objective("latency_p99", ',model="slow"', [0.99, 30, 0.1]),
    ...objective("time_to_first_token_p95", "", [0.95, 30, 0.2]),
    ["llmops:hallucination:ratio_rate1h", 0.06],
    ["llmops:hallucination:lower_bound_rate1h", LOWER],
    ...drift("prompt_bytes", METRICS.requestBytes, "ks"),
    ...drift("input_tokens", METRICS.requestInputTokens, "ks"),
    ...drift("output_tokens", METRICS.requestOutputTokens, "ks"),
    ...drift("embedding_distance", METRICS.embeddingDistance, "ks"),
    ...drift("eval_score", METRICS.evalScore, "psi"),
    ["llmops:eval_failures:cusum", 6 * Math.log(5 / 2) + 94 * Math.log(0.95 / 0.98)],
  ],
  everything: [
    ...common(),
    ...objective("availability", "", [0.99, 28, 0.1]),
    ...objective("latency_p99", ',model="m"', [0.99, 28, 0.2]),
    ...objective("latency_p95", ',model="m"', [0.95, 28, 0.4]),
    ...objective("time_to_first_token_p95", "", [0.95, 28, 0.5]),
    ...objective("time_to_first_token_p99", "", [0.99, 28, 0.2]),
    // Sensitivity 0.9, specificity 0.98.
    ["llmops:hallucination:ratio_rate1h", (0.06 - 0.02) / 0.88],
    ["llmops:hallucination:lower_bound_rate1h", (LOWER - 0.02) / 0.88],
    ...drift("prompt_bytes", METRICS.requestBytes, "psi"),
    ...drift("input_tokens", METRICS.requestInputTokens, "psi"),
    ...drift("output_tokens", METRICS.requestOutputTokens, "psi"),
    ...drift("embedding_distance", METRICS.embeddingDistance, "psi"),
    ...drift("eval_score", METRICS.evalScore, "ks"),
    ["llmops:eval_failures:reference_ratio", 0.04],
    ["llmops:eval_failures:page_hinkley", 6 - 100 * (0.04 + 0.005)],
  ],
};

/** As PromQL's `round(x, 0.001)`; promtool compares exactly. */
function rounded(value: number): number {
  return Math.floor(value * 1_000 + 0.5) / 1_000;
}

function recordsOf(file: File): string[] {
  return [
    ...new Set(
      FILES[file].groups.flatMap(({ rules }) =>
        rules.flatMap((rule) => (isAlert(rule) ? [] : [rule.record])),
      ),
    ),
  ].sort();
}

describe.each(["shipped", "everything"] as const)("recorded series of the %s file", (file) => {
  it("have the values worked out by hand, in the real rule engine", () => {
    const engine = new Promtool(FILES[file].groups);
    const problem = engine.test({
      interval: "1m",
      evaluation: "30m",
      series: SERIES,
      expressions: EXPECTED[file].map(([selector, value]) => ({
        at: "660m",
        expr: `round(sum(${selector}), 0.001)`,
        samples: [{ labels: "{}", value: rounded(value) }],
      })),
    });
    engine.close();
    expect(problem).toBe("");
  });

  it("are missing without data, but for what is known all the same", () => {
    const engine = new Promtool(FILES[file].groups);
    const known = new Set([
      "slo:objective:ratio",
      "slo:error_budget:ratio",
      "slo:time_period:days",
      "llmops:cost_usd:per_hour",
    ]);
    const problem = engine.test({
      interval: "1m",
      evaluation: "30m",
      series: [],
      expressions: recordsOf(file)
        .filter((record) => !known.has(record))
        .map((record) => ({ at: "660m", expr: record, samples: [] })),
    });
    engine.close();
    expect(problem).toBe("");
  });

  it("are all among the expectations", () => {
    const expected = new Set(EXPECTED[file].map(([selector]) => selector.split("{")[0]));
    expect(recordsOf(file).filter((record) => !expected.has(record))).toEqual([]);
  });
});
