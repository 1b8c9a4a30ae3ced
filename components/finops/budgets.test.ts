import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { AwsBudget } from "./aws-budget.ts";
import { GcpBudget } from "./gcp-budget.ts";

describe("a budget in the cloud's billing", () => {
  it("tells people and machines on AWS, at the actual and at the forecast cost of the client", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new AwsBudget("budget", {
          budgetName: "acme-prod",
          monthlyUsd: 60_500,
          emails: ["finance@acme.example"],
          accountId: "111122223333",
          region: "eu-south-2",
          costTags: { "llmops:client": "acme", "llmops:environment": "prod" },
          tags: {},
        }),
    });
    const [budget, ...others] = ofType(graph, "aws:budgets/budget:Budget");
    const notices = budget?.inputs["notifications"] as readonly Record<string, unknown>[];
    expect(others).toEqual([]);
    expect(budget?.inputs).toMatchObject({
      limitAmount: "60500.00",
      limitUnit: "USD",
      metrics: "UnblendedCost",
      filterExpression: {
        ands: [
          { tags: { key: "llmops:client", values: ["acme"], matchOptions: ["EQUALS"] } },
          { tags: { key: "llmops:environment", values: ["prod"], matchOptions: ["EQUALS"] } },
        ],
      },
    });
    expect(notices.map(({ notificationType, threshold }) => [notificationType, threshold])).toEqual([
      ["ACTUAL", 80],
      ["ACTUAL", 100],
      ["FORECASTED", 100],
    ]);
    expect(notices.every((each) => "subscriberSnsTopicArns" in each)).toBe(true);
    const [topic] = ofType(graph, "aws:sns/topic:Topic");
    const [key] = ofType(graph, "aws:kms/key:Key");
    expect(topic?.propertyDependencies["kmsMasterKeyId"]).toEqual([key?.urn]);
    const policy = JSON.parse(key?.inputs["policy"] as string) as { Statement: { Sid: string }[] };
    expect(policy.Statement.find(({ Sid }) => Sid === "ServicesSend")).toEqual({
      Sid: "ServicesSend",
      Effect: "Allow",
      Principal: { Service: ["budgets.amazonaws.com", "costalerts.amazonaws.com"] },
      Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": "111122223333" } },
    });
    const [monitor] = ofType(graph, "aws:costexplorer/anomalyMonitor:AnomalyMonitor");
    expect(monitor?.inputs).toMatchObject({
      monitorType: "CUSTOM",
      monitorSpecification: JSON.stringify({
        And: [
          { Tags: { Key: "llmops:client", Values: ["acme"], MatchOptions: ["EQUALS"] } },
          { Tags: { Key: "llmops:environment", Values: ["prod"], MatchOptions: ["EQUALS"] } },
        ],
      }),
    });
    const [subscription] = ofType(graph, "aws:costexplorer/anomalySubscription:AnomalySubscription");
    expect(subscription?.inputs).toMatchObject({
      frequency: "IMMEDIATE",
      subscribers: [{ type: "SNS" }],
      thresholdExpression: {
        dimension: {
          key: "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
          values: ["605.00"],
          matchOptions: ["GREATER_THAN_OR_EQUAL"],
        },
      },
    });
  });

  it("counts the project on Google Cloud, in the currency of the account", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new GcpBudget("budget", {
          budgetName: "globex-prod",
          projectId: "globex-llmops-prod",
          projectNumber: "210987654321",
          billingAccount: "01ABCD-234567-89EFAB",
          monthly: 30_000,
          currency: "EUR",
          emails: ["finance@globex.example"],
        }),
    });
    const [budget] = ofType(graph, "gcp:billing/budget:Budget");
    expect(budget?.inputs).toMatchObject({
      amount: { specifiedAmount: { currencyCode: "EUR", units: "30000" } },
      budgetFilter: { projects: ["projects/210987654321"], calendarPeriod: "MONTH" },
      allUpdatesRule: { disableDefaultIamRecipients: true },
    });
    expect(budget?.inputs["thresholdRules"]).toEqual([
      { thresholdPercent: 0.5, spendBasis: "CURRENT_SPEND" },
      { thresholdPercent: 0.8, spendBasis: "CURRENT_SPEND" },
      { thresholdPercent: 1, spendBasis: "CURRENT_SPEND" },
      { thresholdPercent: 1, spendBasis: "FORECASTED_SPEND" },
    ]);
  });
});
