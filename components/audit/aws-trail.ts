import * as aws from "../sdk/aws.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { bucketName } from "../storage/bucket-name.ts";

/** Whose accesses are recorded. */
export interface AwsAuditTrailArgs {
  /** Physical prefix; the bucket is `<prefix>-access-<account id>`. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  /** Bucket whose every read and write is recorded. */
  readonly watched: string;
  /** Days the records of access are kept. */
  readonly retentionDays: number;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * What CloudTrail needs to write into its bucket.
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
 */
export function trailBucketPolicy(bucket: string, trailArn: string, accountId: string): string {
  const trail = { StringEquals: { "aws:SourceArn": trailArn } };
  const service = { Service: "cloudtrail.amazonaws.com" };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "EncryptedConnectionsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
      {
        Sid: "TrailReadsAcl",
        Effect: "Allow",
        Principal: service,
        Action: "s3:GetBucketAcl",
        Resource: `arn:aws:s3:::${bucket}`,
        Condition: trail,
      },
      {
        Sid: "TrailWrites",
        Effect: "Allow",
        Principal: service,
        Action: "s3:PutObject",
        Resource: `arn:aws:s3:::${bucket}/AWSLogs/${accountId}/*`,
        Condition: { StringEquals: { ...trail.StringEquals, "s3:x-amz-acl": "bucket-owner-full-control" } },
      },
    ],
  });
}

/** Records who read or wrote the audit records, in a bucket of its own, with digests that show tampering. */
export class AwsAuditTrail extends LlmopsComponent {
  /** @throws pulumi.InputPropertyError when the name is too long */
  constructor(name: string, args: AwsAuditTrailArgs, opts?: ComponentOptions) {
    const physical = bucketName(args.prefix, "access", args.accountId);
    super("audit", "AwsAuditTrail", name, opts);
    const trailName = `${args.prefix}-audit-access`;
    const trailArn = `arn:aws:cloudtrail:${args.region}:${args.accountId}:trail/${trailName}`;
    const child = { parent: this };
    const bucket = new aws.s3.Bucket(
      this.childName("bucket"),
      { bucket: physical, forceDestroy: false, tags: args.tags },
      child,
    );
    const closed = new aws.s3.BucketPublicAccessBlock(
      this.childName("closed"),
      {
        bucket: bucket.id,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      child,
    );
    new aws.s3.BucketLifecycleConfiguration(
      this.childName("lifecycle"),
      {
        bucket: bucket.id,
        rules: [{ id: "expire", status: "Enabled", filter: {}, expiration: { days: args.retentionDays } }],
      },
      child,
    );
    const policy = new aws.s3.BucketPolicy(
      this.childName("policy"),
      { bucket: bucket.id, policy: trailBucketPolicy(physical, trailArn, args.accountId) },
      { ...child, dependsOn: closed },
    );
    new aws.cloudtrail.Trail(
      this.childName("trail"),
      {
        name: trailName,
        s3BucketName: bucket.bucket,
        isMultiRegionTrail: true,
        includeGlobalServiceEvents: true,
        enableLogFileValidation: true,
        advancedEventSelectors: [
          {
            name: "Every access to the audit records",
            fieldSelectors: [
              { field: "eventCategory", equals: ["Data"] },
              { field: "resources.type", equals: ["AWS::S3::Object"] },
              { field: "resources.ARN", startsWiths: [`arn:aws:s3:::${args.watched}/`] },
            ],
          },
          {
            name: "Every change of the account",
            fieldSelectors: [{ field: "eventCategory", equals: ["Management"] }],
          },
        ],
        tags: args.tags,
      },
      { ...child, dependsOn: policy },
    );
    this.registerOutputs({ bucketName: physical });
  }
}
