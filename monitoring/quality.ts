import type { CompiledMetric } from "./compiled.ts";
import type { RuleEnvironment } from "./environment.ts";
import { shareOf } from "./limits.ts";
import { answersOf, METRICS } from "./metrics.ts";
import type { AlertRule, RecordingRule, RuleGroup } from "./rule.ts";
import { runbookUrl } from "./runbooks.ts";
import type { Pipeline } from "./schema.ts";

const INTERVENTION = `${METRICS.verdicts.name}{side="output",action=~"block|redact|replace|review"}`;
const OUTPUT_VERDICT = `${METRICS.verdicts.name}{side="output"}`;
const JUDGED = METRICS.judgedAnswers.name;

/** Quantile of the normal distribution: the alert is 95 % sure that the limit is exceeded. */
const Z95 = 1.645;

function qualityDrop(pipeline: Pipeline): Pick<AlertRule, "labels"> & { url: (alert: string) => string } {
  const { action } = pipeline.alerts.quality_drop;
  return {
    labels: {
      severity: "warning",
      signal: "quality",
      event: "quality_drop",
      ...(action === "notify" ? {} : { action }),
    },
    url: (alert) => runbookUrl(pipeline.runbooks, "quality", alert),
  };
}

/** Rules about the guards' interventions in answers. */
function interventions(pipeline: Pipeline): (RecordingRule | AlertRule)[] {
  const { times, above, minimumSamples } = pipeline.alerts.quality_drop;
  const { labels, url } = qualityDrop(pipeline);
  const ratio = "llmops:output_interventions:ratio_rate1h";
  const total = `sum(rate(${OUTPUT_VERDICT}[1h]))`;
  return [
    { record: ratio, expr: `(sum(rate(${INTERVENTION}[1h])) or 0 * ${total}) / ${total}` },
    {
      alert: "LlmopsQualityDrop",
      expr: [
        `${ratio} > ${shareOf(above)}`,
        `${ratio} > ${times} * avg_over_time(${ratio}[7d] offset 1h)`,
        `sum(increase(${OUTPUT_VERDICT}[1h])) > ${minimumSamples}`,
      ].join(" and on () "),
      for: "15m",
      labels,
      annotations: {
        summary: `Guards intervene in answers ${times} times as often as in the last week`,
        runbook_url: url("LlmopsQualityDrop"),
      },
    },
  ];
}

/** Rate of true hallucinations behind an observed expression (Rogan-Gladen); as observed while the judge is not calibrated. */
function corrected({ judge }: Pipeline, observed: string): string {
  if (judge.kind === "uncalibrated") return observed;
  const { sensitivity, specificity } = judge;
  const share = Number((sensitivity + specificity - 1).toFixed(8));
  return `clamp((${observed} - ${Number((1 - specificity).toFixed(8))}) / ${share}, 0, 1)`;
}

/** Rules about answers a judge has read. */
function hallucinations(pipeline: Pipeline): (RecordingRule | AlertRule)[] {
  const limit = pipeline.metrics.hallucination_rate;
  if (limit === undefined) return [];
  const { minimumSamples } = pipeline.alerts.quality_drop;
  const { labels, url } = qualityDrop(pipeline);
  const observed = "llmops:hallucination:observed_ratio_rate1h";
  const samples = "llmops:judged_answers:increase1h";
  const judged = `sum by (model) (rate(${JUDGED}[1h]))`;
  return [
    { record: samples, expr: `sum by (model) (increase(${JUDGED}[1h]))` },
    {
      record: observed,
      expr: `(sum by (model) (rate(${JUDGED}{verdict="hallucinated"}[1h])) or 0 * ${judged}) / ${judged}`,
    },
    { record: "llmops:hallucination:ratio_rate1h", expr: corrected(pipeline, observed) },
    {
      record: "llmops:hallucination:lower_bound_rate1h",
      expr: corrected(
        pipeline,
        `(${observed} - ${Z95} * sqrt(${observed} * (1 - ${observed}) / ${samples}))`,
      ),
    },
    {
      alert: "LlmopsHallucinationRate",
      expr: `llmops:hallucination:lower_bound_rate1h > ${shareOf(limit)} and ${samples} >= ${minimumSamples}`,
      for: "10m",
      labels,
      annotations: {
        summary: `More than ${shareOf(limit) * 100} % of the judged answers of a model are not supported, with 95 % certainty`,
        runbook_url: url("LlmopsHallucinationRate"),
      },
    },
  ];
}

/** That nobody judges, where a limit or a detector rests on judged answers. */
function unmeasured(pipeline: Pipeline, { evaluationClient }: RuleEnvironment): AlertRule[] {
  if (pipeline.metrics.hallucination_rate === undefined && pipeline.drift.signals.eval_failures === undefined)
    return [];
  const { minimumSamples } = pipeline.alerts.quality_drop;
  const alert = "LlmopsQualityUnmeasured";
  return [
    {
      alert,
      expr: `sum by (model) (increase(${answersOf(evaluationClient)}[1d])) > ${minimumSamples} unless on (model) sum by (model) (increase(${JUDGED}[1d])) > 0`,
      for: "1h",
      labels: { severity: "warning", signal: "quality" },
      annotations: {
        summary: "A model answers, but for a day no answer was judged: the hallucination rate is unknown",
        runbook_url: runbookUrl(pipeline.runbooks, "quality", alert),
      },
    },
  ];
}

/** Rules about the quality of answers. */
export function qualityRules(
  pipeline: Pipeline,
  environment: RuleEnvironment,
): { groups: RuleGroup[]; metrics: CompiledMetric[] } {
  const limit = pipeline.metrics.hallucination_rate;
  return {
    groups: [
      {
        name: "llmops-quality",
        rules: [
          ...interventions(pipeline),
          ...hallucinations(pipeline),
          ...unmeasured(pipeline, environment),
        ],
      },
    ],
    metrics: [
      {
        id: "output_interventions",
        title: "Answers in which guards intervene",
        unit: "ratio",
        series: "llmops:output_interventions:ratio_rate1h",
        by: [],
      },
      ...(limit === undefined
        ? []
        : [
            {
              id: "hallucination_rate",
              title: "Judged answers that are not supported",
              unit: "ratio" as const,
              series: "llmops:hallucination:ratio_rate1h",
              by: ["model"],
              limit: shareOf(limit),
            },
          ]),
    ],
  };
}
