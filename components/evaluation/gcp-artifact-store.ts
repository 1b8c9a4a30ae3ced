import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";
import { bucketName } from "../storage/bucket-name.ts";
import { privateBucket, storageAgent } from "../storage/gcp-private-bucket.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { GcpKey } from "../encryption/gcp-key.ts";
import { MLFLOW_ACCOUNT, MLFLOW_NAMESPACE } from "./address.ts";
import { NONCURRENT_DAYS } from "./artifact-destination.ts";

/** Where MLflow keeps artifacts on Google Cloud. */
export interface GcpArtifactStoreArgs {
  /** Physical prefix; the bucket is `<prefix>-mlflow-<project id>`. */
  readonly prefix: string;
  readonly projectId: string;
  readonly projectNumber: string;
  readonly region: string;
  /** Days until an artifact is deleted. */
  readonly retentionDays: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** An encrypted bucket for MLflow's artifacts that forgets them after a time, and the identity of the server's pods. */
export class GcpArtifactStore extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  /** Address of the server's identity, known before deployment. */
  readonly serverEmail: string;
  /** The server needs them before its first artifact. */
  readonly access: readonly pulumi.Resource[];

  /** @throws pulumi.InputPropertyError when the name of the bucket is too long */
  constructor(name: string, args: GcpArtifactStoreArgs, opts?: ComponentOptions) {
    const physical = bucketName(args.prefix, "mlflow", args.projectId);
    super("evaluation", "GcpArtifactStore", name, opts);
    this.bucketName = physical;
    this.serverEmail = `${args.prefix}-runs@${args.projectId}.iam.gserviceaccount.com`;
    const bucket = this.#makeBucket(args, physical);
    this.access = this.#makeIdentity(args, bucket);
    this.registerOutputs({ bucketName: physical });
  }

  #makeBucket(args: GcpArtifactStoreArgs, physical: string): gcp.storage.Bucket {
    const encryption = new GcpKey(
      this.childName("encryption"),
      {
        keyName: `${args.prefix}-mlflow`,
        projectId: args.projectId,
        region: args.region,
        users: {
          storage: storageAgent(args.projectNumber),
        },
        labels: args.labels,
      },
      { parent: this },
    );
    return new gcp.storage.Bucket(
      this.childName("bucket"),
      {
        ...privateBucket({ ...args, name: physical }),
        encryption: { defaultKmsKeyName: encryption.key.id },
        versioning: { enabled: true },
        lifecycleRules: [
          { action: { type: "Delete" }, condition: { age: args.retentionDays } },
          { action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: NONCURRENT_DAYS } },
        ],
      },
      { parent: this, dependsOn: [...encryption.grants] },
    );
  }

  #makeIdentity({ prefix, projectId }: GcpArtifactStoreArgs, bucket: gcp.storage.Bucket): pulumi.Resource[] {
    const server = new gcp.serviceaccount.Account(
      this.childName("server"),
      { accountId: `${prefix}-runs`, displayName: `MLflow of ${prefix}`, project: projectId },
      { parent: this },
    );
    return [
      new gcp.storage.BucketIAMMember(
        this.childName("access"),
        {
          bucket: bucket.name,
          role: "roles/storage.objectUser",
          member: pulumi.interpolate`serviceAccount:${server.email}`,
        },
        { parent: this },
      ),
      new gcp.serviceaccount.IAMMember(
        this.childName("pods"),
        {
          serviceAccountId: server.name,
          role: "roles/iam.workloadIdentityUser",
          member: `serviceAccount:${projectId}.svc.id.goog[${MLFLOW_NAMESPACE}/${MLFLOW_ACCOUNT}]`,
        },
        { parent: this },
      ),
    ];
  }
}
