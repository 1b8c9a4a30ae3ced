import * as aws from "../sdk/aws.ts";
import { keptLike, LlmopsComponent, type ComponentOptions } from "../component.ts";

/** What a customer-managed key protects. */
export interface AwsKeyArgs {
  /** Alias without the `alias/` prefix; unique in account and region. */
  readonly alias: string;
  /** Shown in the console. */
  readonly description: string;
  /** Account that owns the key; its root principal keeps administration. */
  readonly accountId: string;
  readonly region: string;
  /** ARNs of the CloudWatch log groups that CloudWatch Logs may encrypt with the key. */
  readonly logGroupArns: readonly string[];
  /** AWS services that send to an encrypted topic, for example `budgets.amazonaws.com`. @default [] */
  readonly senders?: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Days between scheduling a deletion and losing the data: the most AWS allows.
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
 */
export const DELETION_WINDOW_DAYS = 30;

/**
 * Key policy as JSON: the account administers, CloudWatch Logs uses it for the named log groups only, and senders for what they do
 * in the account.
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
export function keyPolicy(
  args: Pick<AwsKeyArgs, "accountId" | "region" | "logGroupArns" | "senders">,
): string {
  const administration = {
    Sid: "AccountAdministers",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${args.accountId}:root` },
    Action: "kms:*",
    Resource: "*",
  };
  const logs = {
    Sid: "CloudWatchLogs",
    Effect: "Allow",
    Principal: { Service: `logs.${args.region}.amazonaws.com` },
    Action: ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    Resource: "*",
    Condition: { ArnEquals: { "kms:EncryptionContext:aws:logs:arn": args.logGroupArns } },
  };
  const sending = {
    Sid: "ServicesSend",
    Effect: "Allow",
    Principal: { Service: args.senders },
    Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
    Resource: "*",
    Condition: { StringEquals: { "aws:SourceAccount": args.accountId } },
  };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      administration,
      ...(args.logGroupArns.length === 0 ? [] : [logs]),
      ...(args.senders === undefined ? [] : [sending]),
    ],
  });
}

/** Statement of a role's policy: it may do this with the key of an alias, so that the whole policy is known, and checked, before deployment. */
export function keyByAlias(
  { alias, region, accountId }: Pick<AwsKeyArgs, "alias" | "region" | "accountId">,
  actions: readonly ("kms:GenerateDataKey" | "kms:Decrypt")[],
): object {
  return {
    Effect: "Allow",
    Action: actions,
    Resource: `arn:aws:kms:${region}:${accountId}:key/*`,
    Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": `alias/${alias}` } },
  };
}

/** A customer-managed KMS key with yearly rotation and an alias. */
export class AwsKey extends LlmopsComponent {
  readonly key: aws.kms.Key;

  constructor(name: string, args: AwsKeyArgs, opts?: ComponentOptions) {
    super("encryption", "AwsKey", name, opts);
    const child = { parent: this, ...keptLike(opts) };
    this.key = new aws.kms.Key(
      this.childName("key"),
      {
        description: args.description,
        enableKeyRotation: true,
        deletionWindowInDays: DELETION_WINDOW_DAYS,
        policy: keyPolicy(args),
        tags: args.tags,
      },
      child,
    );
    new aws.kms.Alias(
      this.childName("alias"),
      { name: `alias/${args.alias}`, targetKeyId: this.key.keyId },
      child,
    );
    this.registerOutputs({ arn: this.key.arn });
  }
}
