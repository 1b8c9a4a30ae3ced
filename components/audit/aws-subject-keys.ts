import * as aws from "../sdk/aws.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { encryptedConnectionsOnly, keepPrivate } from "../storage/aws-private-bucket.ts";
import { bucketName } from "../storage/bucket-name.ts";

/** Where the keys of data subjects are on AWS. */
export interface AwsSubjectKeysArgs {
  /** Physical prefix; the bucket is `<prefix>-subject-keys-<account id>`. */
  readonly prefix: string;
  readonly accountId: string;
  /** Role of the gateway; it may also delete here. */
  readonly writer: aws.iam.Role;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the gateway may do with keys: make, read and destroy them. */
export function subjectKeysPolicy(bucket: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
        Resource: `arn:aws:s3:::${bucket}/*`,
      },
      { Effect: "Allow", Action: ["s3:ListBucket"], Resource: `arn:aws:s3:::${bucket}` },
    ],
  });
}

/**
 * Wrapped keys of data subjects, apart from the content they encrypt. Without versions and without a lock, so that
 * deleting a key is final: erasure under GDPR Art. 17 while the content itself lies under a retention lock.
 */
export class AwsSubjectKeys extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  /** The gateway needs it before its first call. */
  readonly access: aws.iam.RolePolicy;

  /** @throws pulumi.InputPropertyError when the name is too long */
  constructor(name: string, args: AwsSubjectKeysArgs, opts?: ComponentOptions) {
    const physical = bucketName(args.prefix, "subject-keys", args.accountId);
    super("audit", "AwsSubjectKeys", name, opts);
    this.bucketName = physical;
    const child = { parent: this };
    const bucket = new aws.s3.Bucket(
      this.childName("bucket"),
      { bucket: physical, forceDestroy: false, tags: args.tags },
      child,
    );
    keepPrivate((suffix) => this.childName(suffix), bucket, [encryptedConnectionsOnly(physical)], child);
    this.access = new aws.iam.RolePolicy(
      this.childName("access"),
      { role: args.writer.name, policy: subjectKeysPolicy(physical) },
      child,
    );
    this.registerOutputs({ bucketName: physical });
  }
}
