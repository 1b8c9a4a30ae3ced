import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { GcpKey } from "../encryption/gcp-key.ts";
import { bucketName } from "./bucket-name.ts";
import { keptOptions, validateAuditRetention, type AuditRetention } from "./retention.ts";

/** Where audit records end on Google Cloud. */
export interface GcpAuditStoreArgs {
  /** Physical prefix; the bucket is `<prefix>-audit-<project id>`. */
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
export function gcpAuditBucketName(
  args: Pick<GcpAuditStoreArgs, "prefix" | "projectId" | "retention">,
): string {
  validateAuditRetention(args.retention);
  return bucketName(args.prefix, "audit", args.projectId);
}

/**
 * Immutable storage of audit records on Cloud Storage: a retention policy, locked for good with `compliance`, an own key,
 * access by IAM only and never public, every access logged. Object deletion before the retention ends is refused by the bucket itself.
 */
export class GcpAuditStore extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  /** Identity of the pods that write: may add objects and read them, never delete. */
  readonly writer: gcp.serviceaccount.Account;
  /** Address of that identity, known before deployment. */
  readonly writerEmail: string;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GcpAuditStoreArgs, opts?: ComponentOptions) {
    const physical = gcpAuditBucketName(args);
    super("audit", "GcpAuditStore", name, opts);
    this.bucketName = physical;
    this.writerEmail = `${args.prefix}-audit@${args.projectId}.iam.gserviceaccount.com`;
    const { retention } = args;
    const kept = { parent: this, ...keptOptions(retention) };
    const encryption = new GcpKey(
      this.childName("encryption"),
      {
        keyName: `${args.prefix}-audit`,
        projectId: args.projectId,
        region: args.region,
        users: {
          storage: `serviceAccount:service-${args.projectNumber}@gs-project-accounts.iam.gserviceaccount.com`,
        },
        labels: args.labels,
      },
      kept,
    );
    const bucket = new gcp.storage.Bucket(
      this.childName("bucket"),
      {
        name: physical,
        project: args.projectId,
        location: args.region.toUpperCase(),
        forceDestroy: false,
        uniformBucketLevelAccess: true,
        publicAccessPrevention: "enforced",
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
        labels: args.labels,
      },
      { ...kept, dependsOn: [...encryption.grants] },
    );
    this.writer = new gcp.serviceaccount.Account(
      this.childName("writer"),
      {
        accountId: `${args.prefix}-audit`,
        displayName: `Writes audit records of ${args.prefix}`,
        project: args.projectId,
      },
      { parent: this },
    );
    for (const role of ["objectCreator", "objectViewer"])
      new gcp.storage.BucketIAMMember(
        this.childName(`writer-${role}`),
        {
          bucket: bucket.name,
          role: `roles/storage.${role}`,
          member: pulumi.interpolate`serviceAccount:${this.writer.email}`,
        },
        { parent: this },
      );
    new gcp.projects.IAMAuditConfig(
      this.childName("access-log"),
      {
        project: args.projectId,
        service: "storage.googleapis.com",
        auditLogConfigs: [{ logType: "DATA_READ" }, { logType: "DATA_WRITE" }, { logType: "ADMIN_READ" }],
      },
      { parent: this },
    );
    this.registerOutputs({ bucketName: physical });
  }
}
