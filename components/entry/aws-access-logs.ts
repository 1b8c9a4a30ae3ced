import * as aws from "../sdk/aws.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { encryptedConnectionsOnly, keepPrivate } from "../storage/aws-private-bucket.ts";
import { bucketName } from "../storage/bucket-name.ts";

/** Where a load balancer writes who called. */
export interface AwsAccessLogsArgs {
  /** Physical prefix; the bucket is `<prefix>-entry-<account id>`. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Days access logs are kept: they hold addresses of callers. */
const ACCESS_LOG_DAYS = 90;

/**
 * Private bucket for the access logs of an Application Load Balancer, which can only write under keys of S3 itself.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
export class AwsAccessLogs extends LlmopsComponent {
  /** Physical name. */
  readonly bucketName: string;

  /** @throws pulumi.InputPropertyError when the name is too long */
  constructor(name: string, args: AwsAccessLogsArgs, opts?: ComponentOptions) {
    const physical = bucketName(args.prefix, "entry", args.accountId);
    super("entry", "AwsAccessLogs", name, opts);
    this.bucketName = physical;
    const child = { parent: this };
    const bucket = new aws.s3.Bucket(
      this.childName("bucket"),
      { bucket: physical, forceDestroy: false, tags: args.tags },
      child,
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      this.childName("encrypted"),
      {
        bucket: bucket.id,
        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
      },
      child,
    );
    new aws.s3.BucketLifecycleConfiguration(
      this.childName("lifecycle"),
      {
        bucket: bucket.id,
        rules: [{ id: "expire", status: "Enabled", filter: {}, expiration: { days: ACCESS_LOG_DAYS } }],
      },
      child,
    );
    keepPrivate(
      (suffix) => this.childName(suffix),
      bucket,
      [
        encryptedConnectionsOnly(physical),
        {
          Sid: "LoadBalancersWrite",
          Effect: "Allow",
          Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: `arn:aws:s3:::${physical}/AWSLogs/${args.accountId}/*`,
          Condition: {
            ArnLike: {
              "aws:SourceArn": `arn:aws:elasticloadbalancing:${args.region}:${args.accountId}:loadbalancer/*`,
            },
          },
        },
      ],
      child,
    );
    this.registerOutputs({ bucketName: physical });
  }
}
