import * as gcp from "../sdk/gcp.ts";
import type * as pulumi from "@pulumi/pulumi";
import { workloadPrincipal } from "../cluster/workload-principal.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { GcpKey } from "../encryption/gcp-key.ts";
import { bucketName } from "./bucket-name.ts";
import { privateBucket, storageAgent } from "./gcp-private-bucket.ts";
import { EXPIRY_SLACK_DAYS, type ObjectStore, type ObjectStoreSpec, type StoreUser } from "./object-store.ts";

/** A bucket of the platform's own stores on Google Cloud. */
export interface GcpObjectStoreArgs extends ObjectStoreSpec {
  /** Physical prefix; the bucket is `<prefix>-<purpose>-<project id>`. */
  readonly prefix: string;
  readonly projectId: string;
  readonly projectNumber: string;
  readonly region: string;
  /** The cluster: its workload identity pool exists once it does. */
  readonly cluster: pulumi.Resource;
  readonly labels: Readonly<Record<string, string>>;
}

/** GKE's metadata server. @see https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#network_policy */
export const METADATA_SERVER = [
  { cidr: "169.254.169.252/32", port: 988 },
  { cidr: "169.254.169.254/32", port: 80 },
] as const;

/** Role on the bucket by what a user may do. A repeated upload replaces an object, which Google counts as deleting it. */
const ROLES = {
  read: "roles/storage.objectViewer",
  add: "roles/storage.objectUser",
  write: "roles/storage.objectUser",
} as const satisfies Record<StoreUser["access"], string>;

/**
 * Private bucket for metrics, traces, logs or artifacts on Cloud Storage under an own key. What a store deletes is gone, without
 * soft delete, unless a history is asked for; an expiry stands behind the store's own retention. Its users are service accounts of
 * the cluster themselves.
 */
export class GcpObjectStore extends LlmopsComponent {
  readonly store: ObjectStore;

  /** @throws pulumi.InputPropertyError when the name is too long */
  constructor(name: string, args: GcpObjectStoreArgs, opts?: ComponentOptions) {
    const { prefix, purpose, projectId, projectNumber, region, labels } = args;
    const physical = bucketName(prefix, purpose, projectId);
    super("storage", "GcpObjectStore", name, opts);
    const encryption = new GcpKey(
      this.childName("encryption"),
      {
        keyName: `${prefix}-${purpose}`,
        projectId,
        region,
        users: {
          storage: storageAgent(args, { parent: this }),
        },
        labels,
      },
      { parent: this },
    );
    const bucket = new gcp.storage.Bucket(
      this.childName("bucket"),
      {
        ...privateBucket({ ...args, name: physical }),
        encryption: { defaultKmsKeyName: encryption.key.id },
        // Google keeps deleted objects for seven days unless told otherwise.
        softDeletePolicy: { retentionDurationSeconds: 0 },
        ...(args.historyDays === undefined ? {} : { versioning: { enabled: true } }),
        lifecycleRules: [
          { action: { type: "Delete" }, condition: { age: args.retentionDays + EXPIRY_SLACK_DAYS } },
          ...(args.historyDays === undefined
            ? []
            : [{ action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: args.historyDays } }]),
        ],
      },
      { parent: this, dependsOn: [...encryption.grants] },
    );
    const members = args.users.map(
      (user) =>
        new gcp.storage.BucketIAMMember(
          this.childName(user.name),
          {
            bucket: bucket.name,
            role: ROLES[user.access],
            member: workloadPrincipal({ projectId, projectNumber, ...user }),
          },
          { parent: this, dependsOn: args.cluster },
        ),
    );
    this.store = {
      location: { kind: "gcs", bucket: physical },
      identity: METADATA_SERVER,
      ready: members,
    };
    this.registerOutputs({ bucketName: physical });
  }
}
