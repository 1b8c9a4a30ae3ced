import type { CompiledObjective } from "./compiled.ts";
import type { RuleEnvironment } from "./environment.ts";
import { secondsOf, shareOf } from "./limits.ts";
import { ATTEMPTED_CALLS, edgeMatcher, FAILED_CALLS, METRICS, type HistogramMetric } from "./metrics.ts";
import type { AlertRule, AlertSeverity, RecordingRule, RuleGroup } from "./rule.ts";
import { runbookUrl } from "./runbooks.ts";
import type { Pipeline } from "./schema.ts";

/** Windows of the error ratio, Prometheus durations. */
const WINDOWS = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] as const;

/**
 * Burn rates over a long and a short window; the short one ends the alert soon after the errors end.
 * @see https://sre.google/workbook/alerting-on-slos/
 */
const BURN = {
  fast: [
    { long: "1h", short: "5m", factor: 14.4 },
    { long: "6h", short: "30m", factor: 6 },
  ],
  slow: [
    { long: "1d", short: "2h", factor: 3 },
    { long: "3d", short: "6h", factor: 1 },
  ],
} as const;

/** Fewest calls of a model in an hour (fast) or a day (slow) before its latency is judged. */
const LATENCY_SAMPLES = 100;

/** What is good and bad about a call, as error ratio over a window. */
interface Indicator {
  readonly id: string;
  readonly title: string;
  readonly objective: number;
  readonly by: readonly string[];
  readonly signal: "availability" | "latency";
  /** Start of the alerts' names. */
  readonly alert: string;
  readonly page: string;
  readonly ratios: (window: string) => readonly string[];
  /** Condition an alert needs besides, over a window. */
  readonly enough?: (window: string) => string;
  readonly limits?: Readonly<Record<string, number>>;
}

function availability({ slos }: Pipeline): Indicator {
  return {
    id: "availability",
    title: "Calls answered",
    objective: shareOf(slos.availability.objective),
    by: [],
    signal: "availability",
    alert: "LlmopsErrorBudget",
    page: "availability",
    ratios: (window) => {
      const total = `sum(rate(${ATTEMPTED_CALLS}[${window}]))`;
      return [`(sum(rate(${FAILED_CALLS}[${window}])) or 0 * ${total}) / ${total}`];
    },
  };
}

/** The largest edge that is not above a limit: what lies between the edges cannot be counted. */
function edgeUnder(histogram: HistogramMetric, seconds: number): number {
  return Math.max(...histogram.edges.filter((edge) => edge <= seconds));
}

interface LatencyObjective {
  readonly id: string;
  readonly title: string;
  readonly alert: string;
  readonly objective: number;
  readonly histogram: HistogramMetric;
  readonly matchers: readonly string[];
  readonly limit: string | undefined;
  readonly own: readonly { readonly name: string; readonly seconds: number }[];
}

function latency(args: LatencyObjective): Indicator[] {
  const { id, title, alert, objective, histogram, matchers, limit, own } = args;
  if (limit === undefined) return [];
  const limits = Object.fromEntries([
    ...own.map(({ name, seconds }) => [name, edgeUnder(histogram, seconds)] as const),
    ["default", edgeUnder(histogram, secondsOf(limit))],
  ]);
  const names = own.map(({ name }) => name);
  const modelsAt = (edge: number): string =>
    `model=~"${names.filter((name) => limits[name] === edge).join("|")}"`;
  const groups = [...new Set(names.map((name) => limits[name] ?? 0))].map((edge) => ({
    edge,
    models: [modelsAt(edge)],
  }));
  const rest = {
    edge: limits["default"] ?? 0,
    models: names.length === 0 ? [] : [`model!~"${names.join("|")}"`],
  };
  const selected = (suffix: string, all: readonly string[]): string =>
    `${histogram.name}_${suffix}{${all.join(",")}}`;
  return [
    {
      id,
      title,
      objective,
      by: ["model"],
      signal: "latency",
      alert,
      page: "latency",
      limits,
      ratios: (window) =>
        [...groups, rest].map(({ edge, models }) => {
          const all = [...matchers, ...models];
          return `1 - sum by (model) (rate(${selected("bucket", [...all, edgeMatcher(edge)])}[${window}])) / sum by (model) (rate(${selected("count", all)}[${window}]))`;
        }),
      enough: (window) =>
        `sum by (model) (increase(${selected("count", matchers)}[${window}])) >= ${LATENCY_SAMPLES}`,
    },
  ];
}

function indicators(pipeline: Pipeline, { models }: RuleEnvironment): Indicator[] {
  const { metrics } = pipeline;
  const whole = { histogram: METRICS.duration, matchers: ['result="completed"'] };
  const first = { histogram: METRICS.firstToken, matchers: [] };
  return [
    availability(pipeline),
    ...latency({
      ...whole,
      id: "latency_p99",
      title: "Completed calls, 99th percentile",
      alert: "LlmopsLatencyP99",
      objective: 0.99,
      limit: metrics.latency_p99,
      own: models.map(({ name, e2eP99Seconds }) => ({ name, seconds: e2eP99Seconds })),
    }),
    ...latency({
      ...whole,
      id: "latency_p95",
      title: "Completed calls, 95th percentile",
      alert: "LlmopsLatencyP95",
      objective: 0.95,
      limit: metrics.latency_p95,
      own: [],
    }),
    ...latency({
      ...first,
      id: "time_to_first_token_p99",
      title: "First token, 99th percentile",
      alert: "LlmopsFirstTokenP99",
      objective: 0.99,
      limit: metrics.time_to_first_token_p99,
      own: [],
    }),
    ...latency({
      ...first,
      id: "time_to_first_token_p95",
      title: "First token, 95th percentile",
      alert: "LlmopsFirstTokenP95",
      objective: 0.95,
      limit: metrics.time_to_first_token_p95,
      own: models.map(({ name, ttftP95Seconds }) => ({ name, seconds: ttftP95Seconds })),
    }),
  ];
}

function labelsOf(pipeline: string, id: string): Record<string, string> {
  return { sloth_id: `${pipeline}-${id}`, sloth_service: pipeline, sloth_slo: id };
}

function budgetOf(objective: number): number {
  return Number((1 - objective).toFixed(8));
}

function burn(
  pipeline: Pipeline,
  { id, title, objective, signal, alert, page, enough }: Indicator,
  speed: keyof typeof BURN,
): AlertRule {
  const name = `${alert}${speed === "fast" ? "FastBurn" : "SlowBurn"}`;
  const severity: AlertSeverity = speed === "fast" ? "critical" : "warning";
  const above = (window: string, factor: number): string => {
    const limit = Number((factor * budgetOf(objective)).toFixed(8));
    return `max without (sloth_window) (slo:sli_error:ratio_rate${window}{sloth_id="${pipeline.name}-${id}"}) > ${limit}`;
  };
  const pairs = BURN[speed].map(
    ({ long, short, factor }) => `(${above(long, factor)} and ${above(short, factor)})`,
  );
  const condition = pairs.join(" or ");
  return {
    alert: name,
    expr:
      enough === undefined
        ? condition
        : `(${condition}) and on (model) ${enough(speed === "fast" ? "1h" : "1d")}`,
    for: "2m",
    labels: { severity, signal, slo: id },
    annotations: {
      summary: `${title}: the error budget burns ${speed === "fast" ? "at 6 times or more" : "at or above"} the rate its period allows`,
      runbook_url: runbookUrl(pipeline.runbooks, page, name),
    },
  };
}

function recorded(pipeline: Pipeline, indicator: Indicator, window: string): RecordingRule[] {
  return indicator.ratios(window).map((expr) => ({
    record: `slo:sli_error:ratio_rate${window}`,
    expr,
    labels: { ...labelsOf(pipeline.name, indicator.id), sloth_window: window },
  }));
}

function meta(pipeline: Pipeline, { id, objective }: Indicator): RecordingRule[] {
  const labels = labelsOf(pipeline.name, id);
  const period = `${pipeline.slos.availability.windowDays}d`;
  const ratio = (window: string): string =>
    `max without (sloth_window) (slo:sli_error:ratio_rate${window}{sloth_id="${labels["sloth_id"] ?? ""}"})`;
  const budget = budgetOf(objective);
  return [
    { record: "slo:objective:ratio", expr: `vector(${objective})`, labels },
    { record: "slo:error_budget:ratio", expr: `vector(${budget})`, labels },
    { record: "slo:time_period:days", expr: `vector(${pipeline.slos.availability.windowDays})`, labels },
    { record: "slo:current_burn_rate:ratio", expr: `${ratio("5m")} / ${budget}`, labels },
    { record: "slo:period_burn_rate:ratio", expr: `${ratio(period)} / ${budget}`, labels },
    { record: "slo:period_error_budget_remaining:ratio", expr: `1 - ${ratio(period)} / ${budget}`, labels },
  ];
}

/** Recorded error ratios, error budgets and burn-rate alerts of every objective. */
export function objectiveRules(
  pipeline: Pipeline,
  environment: RuleEnvironment,
): { groups: RuleGroup[]; objectives: CompiledObjective[] } {
  const period = `${pipeline.slos.availability.windowDays}d`;
  const all = indicators(pipeline, environment);
  return {
    groups: all.map((indicator) => ({
      name: `llmops-slo-${indicator.id.replaceAll("_", "-")}`,
      rules: [
        ...[...WINDOWS, period].flatMap((window) => recorded(pipeline, indicator, window)),
        ...meta(pipeline, indicator),
        burn(pipeline, indicator, "fast"),
        burn(pipeline, indicator, "slow"),
      ],
    })),
    objectives: all.map(({ id, title, objective, by, limits }) => ({
      id,
      title,
      selector: `sloth_id="${pipeline.name}-${id}"`,
      objective,
      windowDays: pipeline.slos.availability.windowDays,
      by,
      errorRatio: Object.fromEntries(
        [...WINDOWS, period].map((window) => [window, `slo:sli_error:ratio_rate${window}`]),
      ),
      budgetRemaining: "slo:period_error_budget_remaining:ratio",
      ...(limits === undefined ? {} : { limits }),
    })),
  };
}
