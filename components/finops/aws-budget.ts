import * as aws from "../sdk/aws.ts";
import type * as pulumi from "@pulumi/pulumi";
import { AwsKey } from "../encryption/aws-key.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** A budget in AWS Billing. */
export interface AwsBudgetArgs {
  readonly budgetName: string;
  /** Limit of a month, USD. */
  readonly monthlyUsd: number;
  /** Who is told. */
  readonly emails: readonly string[];
  readonly accountId: string;
  readonly region: string;
  /** Cost allocation tags that together select this environment's cost, at least two. */
  readonly costTags: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Percent of the limit at which somebody is told. */
const ACTUAL_PERCENT = [80, 100] as const;

/** Services that publish to the topic: budgets and the anomaly detection. */
const SENDERS = ["budgets.amazonaws.com", "costalerts.amazonaws.com"] as const;

/** Share of the month's limit above which an anomaly is told. */
const ANOMALY_SHARE = 0.01;

/**
 * Budget and anomaly monitor with notices by mail and on a topic that machines can read. AWS updates it up to three times a day, 8-12 hours late, so
 * it is a check on the ceiling, not a brake (https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-best-practices.html).
 */
export class AwsBudget extends LlmopsComponent {
  constructor(name: string, args: AwsBudgetArgs, opts?: ComponentOptions) {
    super("finops", "AwsBudget", name, opts);
    // Nobody can let a service use the key that AWS keeps for topics, so what it sends would be lost.
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${args.budgetName}-budget`,
        description: `Notices of the budget ${args.budgetName}`,
        accountId: args.accountId,
        region: args.region,
        logGroupArns: [],
        senders: SENDERS,
        tags: args.tags,
      },
      { parent: this },
    );
    const topic = new aws.sns.Topic(
      this.childName("topic"),
      { name: `${args.budgetName}-budget`, kmsMasterKeyId: encryption.key.arn, tags: args.tags },
      { parent: this },
    );
    const policy = new aws.sns.TopicPolicy(
      this.childName("topic-policy"),
      {
        arn: topic.arn,
        policy: topic.arn.apply((arn) =>
          JSON.stringify({
            Version: "2012-10-17",
            Statement: [
              {
                Effect: "Allow",
                Principal: { Service: SENDERS },
                Action: "sns:Publish",
                Resource: arn,
                Condition: { StringEquals: { "aws:SourceAccount": args.accountId } },
              },
            ],
          }),
        ),
      },
      { parent: this },
    );
    const notice = (notificationType: "ACTUAL" | "FORECASTED", threshold: number): object => ({
      comparisonOperator: "GREATER_THAN",
      notificationType,
      threshold,
      thresholdType: "PERCENTAGE",
      subscriberEmailAddresses: [...args.emails],
      subscriberSnsTopicArns: [topic.arn],
    });
    new aws.budgets.Budget(
      this.childName("budget"),
      {
        name: args.budgetName,
        accountId: args.accountId,
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: args.monthlyUsd.toFixed(2),
        limitUnit: "USD",
        metrics: "UnblendedCost",
        // Values of one cost filter are alternatives; only an expression takes all tags together.
        filterExpression: {
          ands: Object.entries(args.costTags).map(([key, value]) => ({
            tags: { key, values: [value], matchOptions: ["EQUALS"] },
          })),
        },
        notifications: [
          ...ACTUAL_PERCENT.map((percent) => notice("ACTUAL", percent)),
          notice("FORECASTED", 100),
        ] as aws.types.input.budgets.BudgetNotification[],
        tags: args.tags,
      },
      { parent: this, dependsOn: policy },
    );
    this.#anomalies(args, topic.arn, policy);
    this.registerOutputs({});
  }

  /** Amazon's own model of what is usual, told at once. @see https://docs.aws.amazon.com/cost-management/latest/userguide/manage-ad.html */
  #anomalies(args: AwsBudgetArgs, topicArn: pulumi.Input<string>, policy: pulumi.Resource): void {
    const monitor = new aws.costexplorer.AnomalyMonitor(
      this.childName("anomaly-monitor"),
      {
        name: args.budgetName,
        monitorType: "CUSTOM",
        monitorSpecification: JSON.stringify({
          And: Object.entries(args.costTags).map(([key, value]) => ({
            Tags: { Key: key, Values: [value], MatchOptions: ["EQUALS"] },
          })),
        }),
        tags: args.tags,
      },
      { parent: this },
    );
    new aws.costexplorer.AnomalySubscription(
      this.childName("anomaly-subscription"),
      {
        name: args.budgetName,
        frequency: "IMMEDIATE",
        monitorArnLists: [monitor.arn],
        subscribers: [{ type: "SNS", address: topicArn }],
        thresholdExpression: {
          dimension: {
            key: "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            values: [(args.monthlyUsd * ANOMALY_SHARE).toFixed(2)],
            matchOptions: ["GREATER_THAN_OR_EQUAL"],
          },
        },
        tags: args.tags,
      },
      { parent: this, dependsOn: policy },
    );
  }
}
