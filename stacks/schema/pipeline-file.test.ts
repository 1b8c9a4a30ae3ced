import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_PIPELINE,
  parsePipelineText,
  pipelineJsonSchema,
  readPipeline,
  retentionProblems,
} from "./pipeline-file.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const text = readFileSync(join(ROOT, DEFAULT_PIPELINE), "utf8");

/** Problems of the shipped file after one replacement: place, key, reason and fix. */
function problemsAfter(from: string | RegExp, to: string): unknown[] {
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  const result = parsePipelineText(changed, "p.yaml");
  return result.kind === "valid"
    ? []
    : result.problems.map(({ line, column, path, value, reason, fix }) => [
        `${line}:${column}`,
        path,
        value,
        reason,
        fix,
      ]);
}

/** Line of the shipped file that holds a text. */
function lineOf(part: string): number {
  return text.split("\n").findIndex((line) => line.includes(part)) + 1;
}

describe("the declarative pipeline file", () => {
  it("is valid as shipped", () => {
    expect(readPipeline(DEFAULT_PIPELINE)).toMatchObject({
      kind: "valid",
      pipeline: {
        metrics: { latency_p99: "< 800 ms", hallucination_rate: "< 2 %", cost_per_request: "tracked" },
        alerts: {
          drift_detected: { action: "retrain" },
          quality_drop: { action: "rollback" },
          cost_spike: { action: "throttle" },
        },
        slos: { availability: { objective: "99.9 %" } },
      },
    });
  });

  it.each([
    [
      "a limit that is no latency",
      "latency_p99: < 800 ms",
      "latency_p99: fast",
      [
        `${lineOf("latency_p99:")}:3`,
        "metrics.latency_p99",
        '"fast"',
        "must be an upper limit such as < 800 ms",
        "change metrics.latency_p99: it must be an upper limit such as < 800 ms",
      ],
    ],
    [
      "a limit between the edges of the histogram",
      "latency_p99: < 800 ms",
      "latency_p99: < 700 ms",
      [
        `${lineOf("latency_p99:")}:3`,
        "metrics.latency_p99",
        '"< 700 ms"',
        "llmops_gateway_request_duration_seconds counts calls up to 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2, 3, 6, 12, 20, 30, 60, 120 s; what lies between cannot be judged exactly",
        "use one of these limits, or add the edge in gateway/src/metrics/edges.ts",
      ],
    ],
    [
      "a misspelt metric",
      "hallucination_rate:",
      "halucination_rate:",
      [
        `${lineOf("hallucination_rate:")}:3`,
        "metrics.halucination_rate",
        '"< 2 %"',
        "unknown key 'halucination_rate'",
        "did you mean 'hallucination_rate'? Known keys here: latency_p95, latency_p99, time_to_first_token_p95, time_to_first_token_p99, hallucination_rate, cost_per_request, tokens_per_request",
      ],
    ],
    [
      "an action that another event has",
      "action: rollback",
      "action: retrain",
      [
        `${lineOf("quality_drop:")}:19`,
        "alerts.quality_drop.action",
        '"retrain"',
        'invalid option: expected one of "rollback"|"notify"',
        "use one of rollback, notify",
      ],
    ],
    [
      "a missing event",
      /^ {2}cost_spike:.*$/m,
      "",
      [
        `${lineOf("alerts:")}:1`,
        "alerts.cost_spike",
        "(missing)",
        "required, but missing",
        "set alerts.cost_spike to a mapping with the keys action, times, above (An hour costs a multiple, or the month would cost more than its budget)",
      ],
    ],
    [
      "an objective of 100 %",
      "objective: 99.9 %",
      'objective: "100 %"',
      [
        `${lineOf("availability:")}:19`,
        "slos.availability.objective",
        '"100 %"',
        "must be a percentage such as 99.9 %",
        "change slos.availability.objective: it must be a percentage such as 99.9 % (Share of calls that must be answered)",
      ],
    ],
    [
      "an objective without a budget that can burn",
      "objective: 99.9 %",
      "objective: 90 %",
      [
        `${lineOf("availability:")}:19`,
        "slos.availability.objective",
        '"90 %"',
        "an error budget needs an objective of at least 95 % and below 100 %",
        "write for example 99.9 %",
      ],
    ],
    [
      "a reference inside the window",
      "offset: 1h",
      "offset: 30m",
      [
        `${lineOf("reference:")}:27`,
        "drift.reference.offset",
        '"30m"',
        "the reference would end inside the window of 1h and hide what changes in it",
        "set drift.reference.offset to 1h or more",
      ],
    ],
    [
      "too few samples for an index",
      "minimumSamples: 500",
      "minimumSamples: 100",
      [
        `${lineOf("minimumSamples: 500")}:3`,
        "drift.minimumSamples",
        "100",
        "too small: expected number to be >=200",
        "set drift.minimumSamples to at least 200",
      ],
    ],
    [
      "an unknown detector",
      "input_tokens: { detector: ks }",
      "input_tokens: { detector: adwin }",
      [
        `${lineOf("input_tokens:")}:21`,
        "drift.signals.input_tokens.detector",
        '"adwin"',
        "invalid discriminator value. Expected 'ks' | 'psi'",
        "set drift.signals.input_tokens.detector to one of ks, psi",
      ],
    ],
    [
      "a cumulative sum that looks for nothing",
      "from: 2 %, to: 5 %",
      "from: 5 %, to: 5 %",
      [
        `${lineOf("eval_failures:")}:50`,
        "drift.signals.eval_failures.to",
        '"5 %"',
        "the rate to find (5 %) is not above the rate in order (5 %)",
        "raise `to`",
      ],
    ],
    [
      "a cumulative sum from zero",
      "from: 2 %, to: 5 %",
      "from: 0 %, to: 5 %",
      [
        `${lineOf("eval_failures:")}:39`,
        "drift.signals.eval_failures.from",
        '"0 %"',
        "the likelihood ratio has no value for a rate of 0 %",
        "write the rate that is in order, for example 2 %",
      ],
    ],
    [
      "a judge that guesses",
      "judge: { kind: uncalibrated }",
      "judge: { kind: calibrated, sensitivity: 0.5, specificity: 0.5, measured: 2026-11-01 }",
      [
        `${lineOf("judge:")}:46`,
        "judge.specificity",
        "0.5",
        "sensitivity and specificity together are not above 1: the judge says no more than chance",
        "measure the judge again, or use another",
      ],
    ],
  ])("refuses %s at its place", (_what, from, to, problem) => {
    expect(problemsAfter(from, to)).toEqual([problem]);
  });

  it("says where the YAML is broken", () => {
    expect(problemsAfter("slos:", "slos: [")).not.toEqual([]);
    expect(problemsAfter("slos:", "slos: [")[0]).toContain("(not YAML)");
  });

  it("says that a named file is missing", () => {
    expect(readPipeline("monitoring/other.yaml")).toMatchObject({
      kind: "invalid",
      problems: [{ reason: "the file cannot be read (ENOENT)", line: 1 }],
    });
  });

  it("needs metrics for as long as it looks back", () => {
    const result = readPipeline(DEFAULT_PIPELINE);
    if (result.kind === "invalid") throw new Error("the shipped file is invalid");
    expect(retentionProblems(30, result.pipeline)).toEqual([]);
    expect(retentionProblems(15, result.pipeline)).toEqual([
      {
        path: "observability.metricsRetentionDays",
        value: "15",
        reason: "the pipeline file looks back 30 days, on metrics that are gone after 15",
        fix: "set it to 30 or more, or shorten slos.availability.windowDays and drift.reference in the pipeline file",
      },
    ]);
  });

  it("has the JSON Schema that lies beside it", () => {
    const written: unknown = JSON.parse(
      readFileSync(join(ROOT, "monitoring", "llm-pipeline.schema.json"), "utf8"),
    );
    expect(written).toEqual(pipelineJsonSchema());
  });
});
