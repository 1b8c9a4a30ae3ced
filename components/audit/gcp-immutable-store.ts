import * as gcp from "../sdk/gcp.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { GcpKey } from "../encryption/gcp-key.ts";
import { bucketName } from "../storage/bucket-name.ts";
import { privateBucket, storageAgent } from "../storage/gcp-private-bucket.ts";
import { keptOptions, validateAuditRetention, type AuditRetention } from "./retention.ts";

/** A bucket whose objects nobody can change or delete before their time. */
export interface GcpImmutableStoreArgs {
  /** Physical prefix; the bucket is `<prefix>-<purpose>-<project id>`. */
  readonly prefix: string;
  readonly projectId: string;
  readonly projectNumber: string;
  readonly region: string;
  readonly retention: AuditRetention;
  readonly labels: Readonly<Record<string, string>>;
}

const SECONDS_PER_DAY = 24 * 3600;

/**
 * Checks the arguments and names the bucket.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function gcpImmutableBucketName(
  args: Pick<GcpImmutableStoreArgs, "prefix" | "projectId" | "retention">,
  purpose: "audit" | "documents",
): string {
  validateAuditRetention(args.retention);
  return bucketName(args.prefix, purpose, args.projectId);
}

/**
 * Immutable storage on Cloud Storage: a retention policy, locked for good with `compliance`, an own key, access by IAM only and
 * never public. Object deletion before the retention ends is refused by the bucket itself.
 */
export abstract class GcpImmutableStore extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  readonly bucket: gcp.storage.Bucket;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  protected constructor(
    kind: string,
    purpose: "audit" | "documents",
    name: string,
    args: GcpImmutableStoreArgs,
    opts?: ComponentOptions,
  ) {
    const physical = gcpImmutableBucketName(args, purpose);
    super("audit", kind, name, opts);
    this.bucketName = physical;
    const { retention } = args;
    const kept = { parent: this, ...keptOptions(retention) };
    const encryption = new GcpKey(
      this.childName("encryption"),
      {
        keyName: `${args.prefix}-${purpose}`,
        projectId: args.projectId,
        region: args.region,
        users: {
          storage: storageAgent(args, { parent: this }),
        },
        labels: args.labels,
      },
      kept,
    );
    this.bucket = new gcp.storage.Bucket(
      this.childName("bucket"),
      {
        ...privateBucket({ ...args, name: physical }),
        encryption: { defaultKmsKeyName: encryption.key.id },
        ...(retention.immutability === "none"
          ? { versioning: { enabled: true } }
          : {
              retentionPolicy: {
                isLocked: retention.immutability === "compliance",
                retentionPeriod: `${retention.days * SECONDS_PER_DAY}`,
              },
            }),
        lifecycleRules: [{ action: { type: "Delete" }, condition: { age: retention.days + 1 } }],
      },
      { ...kept, dependsOn: [...encryption.grants] },
    );
  }
}
