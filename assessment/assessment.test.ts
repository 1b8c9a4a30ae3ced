import { describe, expect, it } from "vitest";
import { parsePipelineText } from "../stacks/schema/pipeline-file.ts";
import { parseStackText } from "../stacks/schema/stack-file.ts";
import { answersSchema, questions, readAnswers } from "./questions.ts";
import { SizingError, sizingOf, type Sizing } from "./sizing.ts";
import { startingPoint } from "./starting-point.ts";

const AWS = {
  client: "acme",
  environment: "prod",
  useCase: "Answers questions of case handlers about insurance claims.",
  cloud: "aws",
  account: "111122223333",
  region: "eu-south-2",
  peakUsers: 400,
  riskClass: "limited",
  monthlyBudget: 20_000,
  owner: "owner@acme.example",
};
const GCP = {
  ...AWS,
  cloud: "gcp",
  account: "acme-llmops-dev",
  projectNumber: "123456789012",
  region: "europe-west4",
};

const SIZED: Sizing = {
  accelerator: "L4",
  maxModelLen: 4096,
  peakPerSecond: 1.1,
  perReplica: 0.8,
  replicas: 2,
};

describe("the questions", () => {
  it("ask for every key once, with its default and choices", () => {
    expect(questions().map(({ key }) => key)).toEqual(Object.keys(answersSchema.shape));
    expect(questions().find(({ key }) => key === "environment")).toEqual({
      key: "environment",
      text: "Environment",
      byDefault: "dev",
      choices: ["dev", "staging", "prod"],
    });
    expect(questions().find(({ key }) => key === "owner")?.byDefault).toBeUndefined();
  });
});

describe("answers", () => {
  it.each([
    [
      "a missing one",
      { owner: undefined },
      "a.yaml: owner: required, but missing (Who answers for it (e-mail))",
    ],
    ["no number", { peakUsers: "many" }, 'a.yaml: peakUsers = "many": must be a number'],
    ["an unknown choice", { cloud: "azure" }, 'a.yaml: cloud = "azure": '],
    ["an unknown question", { colour: "red" }, "a.yaml: colour: there is no such question"],
    ["a prohibited system", { riskClass: "prohibited" }, 'a.yaml: riskClass = "prohibited": '],
    [
      "high risk without its point",
      { riskClass: "high" },
      "a.yaml: annexIII: required for a high-risk system",
    ],
    [
      "an account of the other cloud",
      { account: "acme-llmops" },
      "a.yaml: account = acme-llmops: must be the 12-digit",
    ],
    [
      "impossible times",
      { wholeAnswerMs: 100 },
      "a.yaml: wholeAnswerMs = 100: must be longer than firstTokenMs (1500)",
    ],
  ])("are refused with their key: %s", (_, change, message) => {
    expect(() => readAnswers({ ...AWS, ...change }, "a.yaml")).toThrow(message);
  });

  it("that no replica can meet are refused, not sized", () => {
    const answers = readAnswers(
      { ...AWS, outputTokens: 8000, firstTokenMs: 50, wholeAnswerMs: 100 },
      "a.yaml",
    );
    expect(() => sizingOf(answers)).toThrow(SizingError);
  });

  it("size the fleet: ten times the users need more replicas", () => {
    const few = sizingOf(readAnswers(AWS, "a.yaml"));
    const many = sizingOf(readAnswers({ ...AWS, peakUsers: 40_000 }, "a.yaml"));
    expect(few).toMatchObject({ accelerator: many.accelerator, maxModelLen: 4096 });
    expect(few.peakPerSecond).toBeCloseTo(1.111, 3);
    expect(many.replicas).toBe(Math.ceil(many.peakPerSecond / many.perReplica));
    expect(many.replicas).toBeGreaterThan(few.replicas);
  });
});

describe("the start", () => {
  it.each([
    ["aws, prod, limited", AWS],
    ["aws, prod, high", { ...AWS, riskClass: "high", annexIII: "5(c)" }],
    ["aws, dev, limited", { ...AWS, environment: "dev" }],
    ["gcp, staging, limited", { ...GCP, environment: "staging" }],
    ["gcp, prod, high", { ...GCP, riskClass: "high", annexIII: "5(b)", personalData: "no" }],
    ["gcp, in a region without a zone a", { ...GCP, region: "europe-west1" }],
  ])("is a valid stack and a valid pipeline that carry the answers: %s", (_, given) => {
    const answers = readAnswers(given, "a.yaml");
    const start = startingPoint(answers, SIZED, "monitoring/llm-pipeline.yaml");
    const config = parseStackText(start.stackText, "stack.yaml");
    expect(config).toMatchObject({
      client: "acme",
      environment: answers.environment,
      cloud: { provider: answers.cloud, region: answers.region },
      riskClass: { level: answers.riskClass, intendedPurpose: AWS.useCase },
      budget: { monthly: 20_000, owner: AWS.owner },
      models: [{ slo: { ttftP95Ms: 1500, e2eP99Ms: 30_000 } }],
      guardrails: { pii: answers.personalData === "yes" ? "redact" : "flag" },
    });
    const pipeline = parsePipelineText(start.pipelineText, "pipeline.yaml");
    expect(pipeline).toMatchObject({
      kind: "valid",
      pipeline: {
        name: start.stack,
        metrics: { latency_p99: "< 30000 ms", hallucination_rate: "< 2 %" },
        alerts: { quality_drop: { action: answers.environment === "prod" ? "notify" : "rollback" } },
      },
    });
  });

  it.each([
    ["europe-west4", ["europe-west4-a", "europe-west4-b", "europe-west4-c"]],
    ["europe-west1", ["europe-west1-b", "europe-west1-c"]],
  ])("is in the zones of %s that offer the GPU", (region, zones) => {
    const { stackText } = startingPoint(
      readAnswers({ ...GCP, region }, "a.yaml"),
      SIZED,
      "monitoring/llm-pipeline.yaml",
    );
    expect(parseStackText(stackText, "stack.yaml").cloud).toMatchObject({ zones });
  });
});
