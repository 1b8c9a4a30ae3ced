import type { EvaluationReport } from "../report.ts";

const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** A report of 300 cases that passed, of acme-prod. */
export const PASSED_REPORT: EvaluationReport = {
  schema: "llmops.evaluation/v1",
  run: "r1",
  stack: "acme-prod",
  environment: "prod",
  model: "mistral",
  evaluated: {
    model: `gitCommit:${"c".repeat(40)}`,
    prompt: hash("1"),
    guardrails: hash("2"),
    dataSets: hash("3"),
  },
  engine: "model",
  finishedAt: "2026-11-20T12:00:00.000Z",
  completeness: { kind: "complete" },
  samples: 300,
  suites: [
    { name: "facts", samples: 300, score: 290, grader: "deterministic", decision: "passed", reason: "" },
  ],
  comparison: null,
  judge: null,
  decision: "passed",
  reasons: [],
};
