import * as gcp from "../sdk/gcp.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { bucketName } from "../storage/bucket-name.ts";
import { privateBucket } from "../storage/gcp-private-bucket.ts";

/** Where the keys of data subjects are on Google Cloud. */
export interface GcpSubjectKeysArgs {
  /** Physical prefix; the bucket is `<prefix>-subject-keys-<project id>`. */
  readonly prefix: string;
  readonly projectId: string;
  readonly region: string;
  /** E-mail of the gateway's service account; it may also delete here. */
  readonly writerEmail: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Wrapped keys of data subjects, apart from the content they encrypt. Without versions, retention and soft delete, so
 * that deleting a key is final: erasure under GDPR Art. 17 while the content itself lies under a retention lock.
 */
export class GcpSubjectKeys extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  /** The gateway needs it before its first call. */
  readonly access: gcp.storage.BucketIAMMember;

  /** @throws pulumi.InputPropertyError when the name is too long */
  constructor(name: string, args: GcpSubjectKeysArgs, opts?: ComponentOptions) {
    const physical = bucketName(args.prefix, "subject-keys", args.projectId);
    super("audit", "GcpSubjectKeys", name, opts);
    this.bucketName = physical;
    const bucket = new gcp.storage.Bucket(
      this.childName("bucket"),
      {
        ...privateBucket({ ...args, name: physical }),
        // Google keeps deleted objects for seven days unless told otherwise.
        softDeletePolicy: { retentionDurationSeconds: 0 },
      },
      { parent: this },
    );
    this.access = new gcp.storage.BucketIAMMember(
      this.childName("access"),
      { bucket: bucket.name, role: "roles/storage.objectUser", member: `serviceAccount:${args.writerEmail}` },
      { parent: this },
    );
    this.registerOutputs({ bucketName: physical });
  }
}
