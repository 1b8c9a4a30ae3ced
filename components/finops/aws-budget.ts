import * as aws from "@pulumi/aws";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** A budget in AWS Billing. */
export interface AwsBudgetArgs {
  readonly budgetName: string;
  /** Limit of a month, USD. */
  readonly monthlyUsd: number;
  /** Who is told. */
  readonly emails: readonly string[];
  readonly accountId: string;
  /** Cost allocation tag whose value selects this environment's cost. */
  readonly costTag: { readonly key: string; readonly value: string };
  readonly tags: Readonly<Record<string, string>>;
}

/** Percent of the limit at which somebody is told. */
const ACTUAL_PERCENT = [80, 100] as const;

/**
 * Budget with notices by mail and on a topic that machines can read. AWS updates it up to three times a day, 8-12 hours late, so
 * it is a check on the ceiling, not a brake (https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-best-practices.html).
 */
export class AwsBudget extends LlmopsComponent {
  constructor(name: string, args: AwsBudgetArgs, opts?: ComponentOptions) {
    super("finops", "AwsBudget", name, opts);
    const topic = new aws.sns.Topic(
      this.childName("topic"),
      { name: `${args.budgetName}-budget`, kmsMasterKeyId: "alias/aws/sns", tags: args.tags },
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
                Principal: { Service: "budgets.amazonaws.com" },
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
        costFilters: [{ name: "TagKeyValue", values: [`user:${args.costTag.key}$${args.costTag.value}`] }],
        notifications: [
          ...ACTUAL_PERCENT.map((percent) => notice("ACTUAL", percent)),
          notice("FORECASTED", 100),
        ] as aws.types.input.budgets.BudgetNotification[],
        tags: args.tags,
      },
      { parent: this, dependsOn: policy },
    );
    this.registerOutputs({});
  }
}
