import * as aws from "../sdk/aws.ts";
import { PodIdentity } from "../cluster/pod-identity.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { AwsKey, keyByAlias } from "../encryption/aws-key.ts";
import { encryptedConnectionsOnly, encryptWith, keepPrivate } from "./aws-private-bucket.ts";
import { bucketName } from "./bucket-name.ts";
import { EXPIRY_SLACK_DAYS, type ObjectStore, type ObjectStoreSpec, type StoreUser } from "./object-store.ts";

/** A bucket of the platform's own stores on AWS. */
export interface AwsObjectStoreArgs extends ObjectStoreSpec {
  /** Physical prefix; the bucket is `<prefix>-<purpose>-<account id>`. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly clusterName: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The EKS Pod Identity agent. @see https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html */
export const POD_IDENTITY_AGENT = { cidr: "169.254.170.23/32", port: 80 } as const;

/** Days incomplete uploads are kept; no store reads them. */
const INCOMPLETE_UPLOAD_DAYS = 1;

/** Actions on objects by what a user may do. */
const OBJECT_ACTIONS = {
  read: ["s3:GetObject"],
  add: ["s3:GetObject", "s3:PutObject"],
  write: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
} as const satisfies Record<StoreUser["access"], readonly string[]>;

/** What a user of a bucket may do, as an IAM policy in JSON: objects of this bucket and its key, nothing else. */
export function storeUserPolicy(
  { prefix, purpose, region, accountId }: Omit<AwsObjectStoreArgs, "users" | "tags">,
  access: StoreUser["access"],
  bucket: string,
): string {
  const uses =
    access === "read" ? (["kms:Decrypt"] as const) : (["kms:GenerateDataKey", "kms:Decrypt"] as const);
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: OBJECT_ACTIONS[access], Resource: `arn:aws:s3:::${bucket}/*` },
      { Effect: "Allow", Action: ["s3:ListBucket"], Resource: `arn:aws:s3:::${bucket}` },
      keyByAlias({ alias: `${prefix}-${purpose}`, region, accountId }, uses),
    ],
  });
}

/**
 * Private bucket for metrics, traces, logs or artifacts on S3 under an own key. What a store deletes is gone, unless a history is
 * asked for; an expiry stands behind the store's own retention. Each user has a role of its own by EKS Pod Identity.
 */
export class AwsObjectStore extends LlmopsComponent {
  readonly store: ObjectStore;

  /** @throws pulumi.InputPropertyError when a name is too long */
  constructor(name: string, args: AwsObjectStoreArgs, opts?: ComponentOptions) {
    const { prefix, purpose, accountId, region, tags } = args;
    const physical = bucketName(prefix, purpose, accountId);
    super("storage", "AwsObjectStore", name, opts);
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${prefix}-${purpose}`,
        description: `Stored ${purpose} of ${prefix}`,
        accountId,
        region,
        logGroupArns: [],
        tags,
      },
      { parent: this },
    );
    this.#bucket(args, physical, encryption.key.arn);
    const identities = args.users.map((user) => this.#identity(args, user, physical));
    this.store = {
      location: { kind: "s3", bucket: physical, region },
      identity: [POD_IDENTITY_AGENT],
      ready: identities.map(({ association }) => association),
    };
    this.registerOutputs({ bucketName: physical });
  }

  #bucket(
    { retentionDays, historyDays, tags }: AwsObjectStoreArgs,
    physical: string,
    keyArn: aws.kms.Key["arn"],
  ): void {
    const child = { parent: this };
    const settingName = (suffix: string): string => this.childName(suffix);
    const bucket = new aws.s3.Bucket(
      this.childName("bucket"),
      { bucket: physical, forceDestroy: false, tags },
      child,
    );
    encryptWith(settingName, bucket, keyArn, child);
    keepPrivate(settingName, bucket, [encryptedConnectionsOnly(physical)], child);
    const versions =
      historyDays === undefined
        ? []
        : [
            new aws.s3.BucketVersioning(
              this.childName("versions"),
              { bucket: bucket.id, versioningConfiguration: { status: "Enabled" } },
              child,
            ),
          ];
    new aws.s3.BucketLifecycleConfiguration(
      this.childName("lifecycle"),
      {
        bucket: bucket.id,
        rules: [
          {
            id: "expire-after-retention",
            status: "Enabled",
            filter: {},
            expiration: { days: retentionDays + EXPIRY_SLACK_DAYS },
            ...(historyDays === undefined
              ? {}
              : { noncurrentVersionExpiration: { noncurrentDays: historyDays } }),
            abortIncompleteMultipartUpload: { daysAfterInitiation: INCOMPLETE_UPLOAD_DAYS },
          },
        ],
      },
      { ...child, dependsOn: versions },
    );
  }

  #identity(args: AwsObjectStoreArgs, user: StoreUser, physical: string): PodIdentity {
    return new PodIdentity(
      this.childName(user.name),
      {
        clusterName: args.clusterName,
        namespace: user.namespace,
        serviceAccount: user.serviceAccount,
        roleName: `${args.prefix}-${args.purpose}-${user.name}`,
        inlinePolicy: storeUserPolicy(args, user.access, physical),
        tags: args.tags,
      },
      { parent: this },
    );
  }
}
