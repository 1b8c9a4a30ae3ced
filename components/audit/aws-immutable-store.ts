import * as aws from "../sdk/aws.ts";
import type * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { AwsKey } from "../encryption/aws-key.ts";
import { encryptedConnectionsOnly, encryptWith, keepPrivate } from "../storage/aws-private-bucket.ts";
import { bucketName } from "../storage/bucket-name.ts";
import { keptOptions, validateAuditRetention, type AuditRetention } from "./retention.ts";

/** A bucket whose objects nobody can change or delete before their time. */
export interface AwsImmutableStoreArgs {
  /** Physical prefix; the bucket is `<prefix>-<purpose>-<account id>`. */
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
export function immutableBucketName(
  args: Pick<AwsImmutableStoreArgs, "prefix" | "accountId" | "retention">,
  purpose: "audit" | "documents",
): string {
  validateAuditRetention(args.retention);
  return bucketName(args.prefix, purpose, args.accountId);
}

/** Statements of the bucket policy: encrypted connections only, and nobody shortens or bypasses the lock. */
export function immutableBucketStatements(bucket: string, retention: AuditRetention): readonly object[] {
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
  return [
    encryptedConnectionsOnly(bucket),
    ...(retention.immutability === "none"
      ? []
      : [
          deny("NoDeletion", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucket"], all),
          deny("NoBypass", ["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"], [objects]),
          deny("NoShorterRetention", ["s3:PutObjectRetention"], [objects], {
            NumericLessThan: { "s3:object-lock-remaining-retention-days": retention.days },
          }),
        ]),
  ];
}

/**
 * Immutable storage on S3: versions locked for the retention under an own key, no public access, encrypted connections only.
 * With a lock the engine protects and keeps bucket and key.
 */
export abstract class AwsImmutableStore extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  readonly bucket: aws.s3.Bucket;
  /** Key the objects are encrypted with. */
  readonly keyArn: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  protected constructor(
    kind: string,
    purpose: { readonly name: "audit" | "documents"; readonly description: string },
    name: string,
    args: AwsImmutableStoreArgs,
    opts?: ComponentOptions,
  ) {
    const physical = immutableBucketName(args, purpose.name);
    super("audit", kind, name, opts);
    this.bucketName = physical;
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${args.prefix}-${purpose.name}`,
        description: purpose.description,
        accountId: args.accountId,
        region: args.region,
        logGroupArns: [],
        tags: args.tags,
      },
      { parent: this, ...keptOptions(args.retention) },
    );
    this.keyArn = encryption.key.arn;
    this.bucket = this.#makeBucket(args, physical);
  }

  #makeBucket(args: AwsImmutableStoreArgs, physical: string): aws.s3.Bucket {
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
    const settingName = (suffix: string): string => this.childName(suffix);
    encryptWith(settingName, bucket, this.keyArn, kept);
    keepPrivate(settingName, bucket, immutableBucketStatements(physical, retention), kept);
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
