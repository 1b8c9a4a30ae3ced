import type { CompiledAlert, CompiledPipeline } from "./compiled.ts";
import { costRules } from "./cost.ts";
import { driftRules } from "./drift.ts";
import type { RuleEnvironment } from "./environment.ts";
import { objectiveRules } from "./objectives.ts";
import { platformRules } from "./platform-rules.ts";
import { qualityRules } from "./quality.ts";
import { isAlert, type AlertRule } from "./rule.ts";
import type { Pipeline } from "./schema.ts";

function inShort({ alert, labels, annotations }: AlertRule): CompiledAlert {
  const { severity, signal, event, action } = labels;
  return {
    name: alert,
    summary: annotations.summary,
    severity,
    signal,
    ...(event === undefined ? {} : { event }),
    ...(action === undefined ? {} : { action }),
    runbookUrl: annotations.runbook_url,
  };
}

/** Compiles the declarative file for one environment; the platform's own alerts are always among the groups. */
export function compilePipeline(pipeline: Pipeline, environment: RuleEnvironment): CompiledPipeline {
  const slo = objectiveRules(pipeline, environment);
  const quality = qualityRules(pipeline, environment);
  const drift = driftRules(pipeline, environment);
  const cost = costRules(pipeline, environment);
  const groups = [
    ...platformRules(pipeline.runbooks),
    ...slo.groups,
    ...quality.groups,
    ...drift.groups,
    ...cost.groups,
  ];
  return {
    name: pipeline.name,
    groups,
    objectives: slo.objectives,
    metrics: [...quality.metrics, ...cost.metrics],
    detectors: drift.detectors,
    alerts: groups.flatMap(({ rules }) => rules.filter(isAlert).map(inShort)),
  };
}
