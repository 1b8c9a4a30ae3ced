import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EksRole } from "../cluster/eks-role.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { AwsKey } from "../encryption/aws-key.ts";
import { bucketName } from "./bucket-name.ts";
import { keptOptions, validateAuditRetention, type AuditRetention } from "./retention.ts";

/** Where audit records end on AWS. */
export interface AwsAuditStoreArgs {
  /** Physical prefix; the bucket is `<prefix>-audit-<account id>`. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly retention: AuditRetention;
  readonly tags: Readonly<Record<string, string>>;
}

/** Days incomplete uploads are kept; they hold no record. */
const INCOMPLETE_UPLOAD_DAYS = 7;

/**
 * Checks the arguments and names the bucket.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function auditBucketName(args: Pick<AwsAuditStoreArgs, "prefix" | "accountId" | "retention">): string {
  validateAuditRetention(args.retention);
  return bucketName(args.prefix, "audit", args.accountId);
}

/** Bucket policy as JSON: encrypted connections only, and nobody shortens or bypasses the lock. */
export function auditBucketPolicy(bucket: string, retention: AuditRetention): string {
  const objects = `arn:aws:s3:::${bucket}/*`;
  const all = [`arn:aws:s3:::${bucket}`, objects];
  const deny = (
    sid: string,
    action: readonly string[],
    resource: readonly string[],
    condition?: object,
  ): object => ({
    Sid: sid,
    Effect: "Deny",
    Principal: "*",
    Action: action,
    Resource: resource,
    ...(condition === undefined ? {} : { Condition: condition }),
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      deny("EncryptedConnectionsOnly", ["s3:*"], all, { Bool: { "aws:SecureTransport": "false" } }),
      ...(retention.immutability === "none"
        ? []
        : [
            deny("NoDeletion", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucket"], all),
            deny("NoBypass", ["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"], [objects]),
            deny("NoShorterRetention", ["s3:PutObjectRetention"], [objects], {
              NumericLessThan: { "s3:object-lock-remaining-retention-days": retention.days },
            }),
          ]),
    ],
  });
}

/** What the writer may do: add objects and read them back to check the copy; never delete. */
export function auditWriterPolicy(bucketArn: string, keyArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:GetObject", "s3:GetObjectAttributes"],
        Resource: `${bucketArn}/*`,
      },
      { Effect: "Allow", Action: ["s3:ListBucket"], Resource: bucketArn },
      { Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: keyArn },
    ],
  });
}

/**
 * Immutable storage of audit records on S3: versions locked for the retention under an own key, no public access, encrypted
 * connections only. With a lock the engine protects and keeps bucket and key.
 */
export class AwsAuditStore extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  /** Role of the pods that write. */
  readonly writer: EksRole;
  readonly bucket: aws.s3.Bucket;
  /** Key the records are encrypted with. */
  readonly keyArn: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: AwsAuditStoreArgs, opts?: ComponentOptions) {
    const physical = auditBucketName(args);
    super("audit", "AwsAuditStore", name, opts);
    this.bucketName = physical;
    const kept = keptOptions(args.retention);
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${args.prefix}-audit`,
        description: `Audit records of ${args.prefix}; losing it loses them`,
        accountId: args.accountId,
        region: args.region,
        logGroupArns: [],
        tags: args.tags,
      },
      { parent: this, ...kept },
    );
    this.keyArn = encryption.key.arn;
    this.bucket = this.#bucket(args, physical, encryption);
    this.writer = new EksRole(
      this.childName("writer"),
      {
        roleName: `${args.prefix}-audit-writer`,
        principal: "pods.eks.amazonaws.com",
        inlinePolicy: pulumi
          .all([this.bucket.arn, encryption.key.arn])
          .apply(([bucketArn, keyArn]) => auditWriterPolicy(bucketArn, keyArn)),
        tags: args.tags,
      },
      { parent: this },
    );
    this.registerOutputs({ bucketName: physical });
  }

  #bucket(args: AwsAuditStoreArgs, physical: string, encryption: AwsKey): aws.s3.Bucket {
    const { retention } = args;
    const kept = { parent: this, ...keptOptions(retention) };
    const bucket = new aws.s3.Bucket(
      this.childName("bucket"),
      {
        bucket: physical,
        objectLockEnabled: retention.immutability !== "none",
        forceDestroy: false,
        tags: args.tags,
      },
      kept,
    );
    const versioning = new aws.s3.BucketVersioning(
      this.childName("versioning"),
      { bucket: bucket.id, versioningConfiguration: { status: "Enabled" } },
      kept,
    );
    if (retention.immutability !== "none")
      new aws.s3.BucketObjectLockConfiguration(
        this.childName("lock"),
        {
          bucket: bucket.id,
          rule: {
            defaultRetention: { mode: retention.immutability.toUpperCase(), days: retention.days },
          },
        },
        { ...kept, dependsOn: versioning },
      );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      this.childName("encrypted"),
      {
        bucket: bucket.id,
        rules: [
          {
            bucketKeyEnabled: true,
            applyServerSideEncryptionByDefault: {
              sseAlgorithm: "aws:kms",
              kmsMasterKeyId: encryption.key.arn,
            },
          },
        ],
      },
      kept,
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
      kept,
    );
    new aws.s3.BucketOwnershipControls(
      this.childName("owner"),
      { bucket: bucket.id, rule: { objectOwnership: "BucketOwnerEnforced" } },
      kept,
    );
    new aws.s3.BucketPolicy(
      this.childName("policy"),
      { bucket: bucket.id, policy: auditBucketPolicy(physical, retention) },
      { ...kept, dependsOn: closed },
    );
    new aws.s3.BucketLifecycleConfiguration(
      this.childName("lifecycle"),
      {
        bucket: bucket.id,
        rules: [
          {
            id: "expire-after-retention",
            status: "Enabled",
            filter: {},
            // A day later than the lock, so that expiry never meets a locked version.
            expiration: { days: retention.days + 1 },
            noncurrentVersionExpiration: { noncurrentDays: retention.days + 1 },
            abortIncompleteMultipartUpload: { daysAfterInitiation: INCOMPLETE_UPLOAD_DAYS },
          },
        ],
      },
      { ...kept, dependsOn: versioning },
    );
    return bucket;
  }
}
