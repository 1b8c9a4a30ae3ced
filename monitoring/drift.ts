import type { CompiledDetector } from "./compiled.ts";
import type { RuleEnvironment } from "./environment.ts";
import { shareOf } from "./limits.ts";
import { answersOf, edgeMatcher, METRICS, type HistogramMetric } from "./metrics.ts";
import type { AlertRule, RecordingRule, RuleGroup } from "./rule.ts";
import { runbookUrl } from "./runbooks.ts";
import type { Pipeline } from "./schema.ts";

type Drift = Pipeline["drift"];
type HistogramSignal =
  "prompt_bytes" | "input_tokens" | "output_tokens" | "embedding_distance" | "eval_score";
type HistogramDetector = NonNullable<Drift["signals"][HistogramSignal]>;
type FailureDetector = NonNullable<Drift["signals"]["eval_failures"]>;

/** Least share of a bin, so that the logarithm exists. */
const LEAST_SHARE = 1e-4;

const HISTOGRAMS: Readonly<
  Record<
    HistogramSignal,
    {
      readonly metric: HistogramMetric;
      readonly title: string;
      readonly alert: string;
      /** Says that the detector cannot speak; absent where the gateway counts, which counts every call. */
      readonly unmeasured?: string;
    }
  >
> = {
  prompt_bytes: {
    metric: METRICS.requestBytes,
    title: "Length of prompts",
    alert: "LlmopsPromptLengthDrift",
  },
  input_tokens: {
    metric: METRICS.requestInputTokens,
    title: "Input tokens",
    alert: "LlmopsInputTokensDrift",
  },
  output_tokens: {
    metric: METRICS.requestOutputTokens,
    title: "Output tokens",
    alert: "LlmopsOutputTokensDrift",
  },
  embedding_distance: {
    metric: METRICS.embeddingDistance,
    title: "Distance of prompts to the reference",
    alert: "LlmopsEmbeddingDrift",
    unmeasured: "LlmopsEmbeddingUnmeasured",
  },
  eval_score: {
    metric: METRICS.evalScore,
    title: "Scores of live answers",
    alert: "LlmopsEvalScoreDrift",
    unmeasured: "LlmopsEvalScoreUnmeasured",
  },
};

/** A detector with the rules it is made of. */
interface Built {
  readonly detector: CompiledDetector;
  readonly rules: readonly (RecordingRule | AlertRule)[];
}

function alert(
  pipeline: Pipeline,
  { alert: name, title }: CompiledDetector,
  expr: string,
  wait: string,
): AlertRule {
  const { action } = pipeline.alerts.drift_detected;
  return {
    alert: name,
    expr,
    for: wait,
    labels: {
      severity: "warning",
      signal: "drift",
      event: "drift_detected",
      ...(action === "notify" ? {} : { action }),
    },
    annotations: {
      summary: `${title}: the distribution is not that of the reference`,
      runbook_url: runbookUrl(pipeline.runbooks, "drift", name),
    },
  };
}

/** Both ranges of a counter: the window and the reference, as PromQL range selectors. */
function ranges({ window, reference }: Drift): { window: string; reference: string } {
  return { window: `[${window}]`, reference: `[${reference.range}] offset ${reference.offset}` };
}

/** Condition that window and reference hold enough samples. */
function enough(drift: Drift, counter: string, by: string): string {
  const { window, reference } = ranges(drift);
  const count = (range: string): string =>
    `sum by (${by}) (increase(${counter}${range})) >= ${drift.minimumSamples}`;
  return `${count(window)} and ${count(reference)}`;
}

/** Index over recorded shares of bins: sum of (p - q) ln(p / q). */
function psi(window: string, reference: string, by: string): string {
  const p = `clamp_min(${window} or 0 * ${reference}, ${LEAST_SHARE})`;
  const q = `clamp_min(${reference} or 0 * ${window}, ${LEAST_SHARE})`;
  return `sum by (${by}) ((${p} - ${q}) * ln(${p} / ${q}))`;
}

/** Cumulative shares of a histogram by edge, in the window and in the reference. */
function cumulative(drift: Drift, { name }: HistogramMetric, prefix: string): RecordingRule[] {
  const of = (range: string): string =>
    `sum by (model, le) (rate(${name}_bucket${range})) / on (model) group_left () sum by (model) (rate(${name}_count${range}))`;
  const { window, reference } = ranges(drift);
  return [
    { record: `${prefix}:cumulative_share`, expr: of(window) },
    { record: `${prefix}:reference_cumulative_share`, expr: of(reference) },
  ];
}

/** Shares of the bins between neighbouring edges; a bin is named by its upper edge. */
function binned({ edges }: HistogramMetric, prefix: string): RecordingRule[] {
  const at = (series: string, edge: number | undefined): string =>
    edge === undefined
      ? `sum by (model) (${series}{le="+Inf"})`
      : `sum by (model) (${series}{${edgeMatcher(edge)}})`;
  return ["", "reference_"].flatMap((which) => {
    const series = `${prefix}:${which}cumulative_share`;
    return [...edges, undefined].map((edge, index) => {
      const below = edges[index - 1];
      return {
        record: `${prefix}:${which}share`,
        expr: below === undefined ? at(series, edge) : `${at(series, edge)} - ${at(series, below)}`,
        labels: { bin: edge === undefined ? "more" : String(edge) },
      };
    });
  });
}

/**
 * That a detector cannot speak: a model gave answers enough, and a whole day brought fewer samples than one window needs. Nobody exports the
 * metric, nobody agrees, the share is too small, or what a day may cost is spent.
 */
function blind(
  { drift, runbooks }: Pipeline,
  { evaluationClient }: RuleEnvironment,
  signal: HistogramSignal,
): AlertRule[] {
  const { metric, title, unmeasured } = HISTOGRAMS[signal];
  if (unmeasured === undefined) return [];
  const ofADay = (counter: string): string =>
    `sum by (model) (increase(${counter}[1d])) >= ${drift.minimumSamples}`;
  return [
    {
      alert: unmeasured,
      expr: `${ofADay(answersOf(evaluationClient))} unless on (model) ${ofADay(`${metric.name}_count`)}`,
      for: "1h",
      labels: { severity: "warning", signal: "drift" },
      annotations: {
        summary: `${title}: a day brought too few samples, drift would not be seen`,
        runbook_url: runbookUrl(runbooks, "drift", unmeasured),
      },
    },
  ];
}

function histogram(
  pipeline: Pipeline,
  environment: RuleEnvironment,
  signal: HistogramSignal,
  settings: HistogramDetector,
): Built {
  const { drift } = pipeline;
  const { metric, title, alert: name } = HISTOGRAMS[signal];
  const prefix = `llmops:${signal}`;
  const series = `${prefix}:${settings.detector}`;
  const detector: CompiledDetector = {
    signal,
    title,
    detector: settings.detector,
    series,
    by: ["model"],
    threshold: settings.threshold,
    alert: name,
  };
  const statistic: RecordingRule[] =
    settings.detector === "ks"
      ? [
          {
            record: series,
            expr: `max by (model) (abs(${prefix}:cumulative_share - ${prefix}:reference_cumulative_share))`,
          },
        ]
      : [
          ...binned(metric, prefix),
          { record: series, expr: psi(`${prefix}:share`, `${prefix}:reference_share`, "model") },
        ];
  return {
    detector,
    rules: [
      ...cumulative(drift, metric, prefix),
      ...statistic,
      alert(
        pipeline,
        detector,
        `${series} > ${settings.threshold} and ${enough(drift, `${metric.name}_count`, "model")}`,
        "10m",
      ),
      ...blind(pipeline, environment, signal),
    ],
  };
}

function guardVerdicts(pipeline: Pipeline, threshold: number): Built {
  const { drift } = pipeline;
  const counter = METRICS.verdicts.name;
  const prefix = "llmops:guard_verdicts";
  const detector: CompiledDetector = {
    signal: "guard_verdicts",
    title: "Verdicts of a guard",
    detector: "psi",
    series: `${prefix}:psi`,
    by: ["side", "guard"],
    threshold,
    alert: "LlmopsGuardVerdictDrift",
  };
  const shares = (range: string): string =>
    `sum by (side, guard, action) (rate(${counter}${range})) / on (side, guard) group_left () sum by (side, guard) (rate(${counter}${range}))`;
  const { window, reference } = ranges(drift);
  return {
    detector,
    rules: [
      { record: `${prefix}:share`, expr: shares(window) },
      { record: `${prefix}:reference_share`, expr: shares(reference) },
      { record: detector.series, expr: psi(`${prefix}:share`, `${prefix}:reference_share`, "side, guard") },
      alert(
        pipeline,
        detector,
        `${detector.series} > ${threshold} and ${enough(drift, counter, "side, guard")}`,
        "10m",
      ),
    ],
  };
}

/** Weights of one failed and one passed answer in the cumulative sum of log likelihood ratios. */
export function cusumWeights(from: number, to: number): { readonly fail: number; readonly pass: number } {
  const rounded = (value: number): number => Number(value.toFixed(6));
  return { fail: rounded(Math.log(to / from)), pass: rounded(Math.log((1 - to) / (1 - from))) };
}

/** Increment of the statistic per evaluation, and what the alert needs besides. */
function failureStep(settings: FailureDetector, failures: string, judged: string, reference: string): string {
  if (settings.detector === "cusum") {
    const { fail, pass } = cusumWeights(shareOf(settings.from), shareOf(settings.to));
    return `${fail} * ${failures} - ${-pass} * (${judged} - ${failures})`;
  }
  return `${failures} - ${judged} * (${reference} + ${settings.delta})`;
}

/**
 * Sequential detector over answers one by one. The statistic is a rule that reads its own last value; each answer counts a fifth in
 * five evaluations, so a lost scrape loses nothing. It is bounded at twice its limit, so that it falls back once the failures end, and
 * starts at zero after five minutes without data.
 */
function failures(pipeline: Pipeline, settings: FailureDetector): Built {
  const { drift } = pipeline;
  const counter = METRICS.judgedAnswers.name;
  const series = `llmops:eval_failures:${settings.detector.replace("-", "_")}`;
  const [failed, judged, mean] = [
    "llmops:eval_failures:per_minute",
    "llmops:eval_judged:per_minute",
    "llmops:eval_failures:reference_ratio",
  ];
  const detector: CompiledDetector = {
    signal: "eval_failures",
    title: "Hallucinated answers",
    detector: settings.detector,
    series,
    by: ["model"],
    threshold: settings.limit,
    alert: "LlmopsEvalFailuresDrift",
  };
  const hallucinated = `${counter}{verdict="hallucinated"}`;
  const { reference } = ranges(drift);
  const total = `sum by (model) (increase(${counter}${reference}))`;
  const meanRule: RecordingRule = {
    record: mean,
    expr: `(sum by (model) (increase(${hallucinated}${reference})) or 0 * ${total}) / (${total} >= ${drift.minimumSamples})`,
  };
  return {
    detector,
    rules: [
      { record: judged, expr: `sum by (model) (increase(${counter}[5m])) / 5` },
      { record: failed, expr: `sum by (model) (increase(${hallucinated}[5m])) / 5 or 0 * ${judged}` },
      ...(settings.detector === "page-hinkley" ? [meanRule] : []),
      {
        record: series,
        expr: `clamp((${series} or 0 * ${judged}) + ${failureStep(settings, failed, judged, mean)}, 0, ${2 * settings.limit})`,
      },
      alert(pipeline, detector, `${series} > ${settings.limit}`, "0m"),
    ],
  };
}

/** Rules of every detector, a group each. */
export function driftRules(
  pipeline: Pipeline,
  environment: RuleEnvironment,
): { groups: RuleGroup[]; detectors: CompiledDetector[] } {
  const { signals } = pipeline.drift;
  const names: readonly HistogramSignal[] = [
    "prompt_bytes",
    "input_tokens",
    "output_tokens",
    "embedding_distance",
    "eval_score",
  ];
  const built = [
    ...names.flatMap((signal) => {
      const settings = signals[signal];
      return settings === undefined ? [] : [histogram(pipeline, environment, signal, settings)];
    }),
    ...(signals.guard_verdicts === undefined
      ? []
      : [guardVerdicts(pipeline, signals.guard_verdicts.threshold)]),
    ...(signals.eval_failures === undefined ? [] : [failures(pipeline, signals.eval_failures)]),
  ];
  return {
    groups: built.map(({ detector, rules }) => ({
      name: `llmops-drift-${detector.signal.replaceAll("_", "-")}`,
      interval: "1m",
      rules,
    })),
    detectors: built.map(({ detector }) => detector),
  };
}
