import * as gcp from "../sdk/gcp.ts";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** A budget in Cloud Billing. */
export interface GcpBudgetArgs {
  readonly budgetName: string;
  readonly projectId: string;
  readonly projectNumber: string;
  readonly billingAccount: string;
  /** Limit of a month in whole units of the currency. */
  readonly monthly: number;
  readonly currency: "EUR" | "USD";
  /** Who is told. */
  readonly emails: readonly string[];
}

/** Shares of the limit at which somebody is told. */
const SHARES = [0.5, 0.8, 1] as const;

/**
 * Budget with notices by mail and on a topic that machines can read. Actual spend arrives up to a day late
 * (https://cloud.google.com/billing/docs/how-to/budgets), so it is a check on the ceiling, not a brake.
 */
export class GcpBudget extends LlmopsComponent {
  constructor(name: string, args: GcpBudgetArgs, opts?: ComponentOptions) {
    super("finops", "GcpBudget", name, opts);
    const topic = new gcp.pubsub.Topic(
      this.childName("topic"),
      { name: `${args.budgetName}-budget`, project: args.projectId },
      { parent: this },
    );
    const channels = args.emails.map(
      (email, index) =>
        new gcp.monitoring.NotificationChannel(
          this.childName(`mail-${index}`),
          { type: "email", displayName: email, labels: { email_address: email }, project: args.projectId },
          { parent: this },
        ),
    );
    new gcp.billing.Budget(
      this.childName("budget"),
      {
        billingAccount: args.billingAccount,
        displayName: args.budgetName,
        // One environment per project.
        budgetFilter: { projects: [`projects/${args.projectNumber}`], calendarPeriod: "MONTH" },
        amount: {
          specifiedAmount: { currencyCode: args.currency, units: String(Math.floor(args.monthly)) },
        },
        thresholdRules: [
          ...SHARES.map((thresholdPercent) => ({ thresholdPercent, spendBasis: "CURRENT_SPEND" })),
          { thresholdPercent: 1, spendBasis: "FORECASTED_SPEND" },
        ],
        allUpdatesRule: {
          pubsubTopic: topic.id,
          monitoringNotificationChannels: channels.map(({ id }) => id),
          disableDefaultIamRecipients: true,
        },
      },
      { parent: this },
    );
    this.registerOutputs({ topic: pulumi.output(topic.name) });
  }
}
