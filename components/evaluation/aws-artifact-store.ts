import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { encryptedConnectionsOnly, encryptWith, keepPrivate } from "../storage/aws-private-bucket.ts";
import { bucketName } from "../storage/bucket-name.ts";
import { PodIdentity } from "../cluster/pod-identity.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { AwsKey, keyByAlias } from "../encryption/aws-key.ts";
import { MLFLOW_ACCOUNT, MLFLOW_NAMESPACE } from "./address.ts";
import { ARTIFACTS, NONCURRENT_DAYS } from "./artifact-destination.ts";

/** Where MLflow keeps artifacts on AWS. */
export interface AwsArtifactStoreArgs {
  /** Physical prefix; the bucket is `<prefix>-mlflow-<account id>`. */
  readonly prefix: string;
  readonly clusterName: string;
  readonly accountId: string;
  readonly region: string;
  /** Days until an artifact is deleted. */
  readonly retentionDays: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the server may do: its own folder of one bucket, under one key. */
export function artifactPolicy(
  { prefix, region, accountId }: Pick<AwsArtifactStoreArgs, "prefix" | "region" | "accountId">,
  bucket: string,
): string {
  const bucketArn = `arn:aws:s3:::${bucket}`;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
        Resource: `${bucketArn}/${ARTIFACTS}/*`,
      },
      {
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: bucketArn,
        Condition: { StringLike: { "s3:prefix": `${ARTIFACTS}/*` } },
      },
      keyByAlias({ alias: `${prefix}-mlflow`, region, accountId }, ["kms:GenerateDataKey", "kms:Decrypt"]),
    ],
  });
}

/** An encrypted S3 bucket for MLflow's artifacts that forgets them after a time, and the identity of the server's pods. */
export class AwsArtifactStore extends LlmopsComponent {
  /** Known before deployment. */
  readonly bucketName: string;
  /** The server needs it before its first artifact. */
  readonly identity: PodIdentity;

  /** @throws pulumi.InputPropertyError when the name of the bucket is too long */
  constructor(name: string, args: AwsArtifactStoreArgs, opts?: ComponentOptions) {
    const physical = bucketName(args.prefix, "mlflow", args.accountId);
    super("evaluation", "AwsArtifactStore", name, opts);
    this.bucketName = physical;
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${args.prefix}-mlflow`,
        description: `Artifacts of MLflow of ${args.prefix}`,
        accountId: args.accountId,
        region: args.region,
        logGroupArns: [],
        tags: args.tags,
      },
      { parent: this },
    );
    this.#makeBucket(args, encryption.key.arn);
    this.identity = new PodIdentity(
      this.childName("identity"),
      {
        clusterName: args.clusterName,
        namespace: MLFLOW_NAMESPACE,
        serviceAccount: MLFLOW_ACCOUNT,
        roleName: `${args.prefix}-mlflow`,
        inlinePolicy: artifactPolicy(args, physical),
        tags: args.tags,
      },
      { parent: this },
    );
    this.registerOutputs({ bucketName: physical });
  }

  #makeBucket({ retentionDays, tags }: AwsArtifactStoreArgs, keyArn: pulumi.Input<string>): void {
    const child = { parent: this };
    const settingName = (suffix: string): string => this.childName(suffix);
    const bucket = new aws.s3.Bucket(
      this.childName("bucket"),
      { bucket: this.bucketName, forceDestroy: false, tags },
      child,
    );
    const versioning = new aws.s3.BucketVersioning(
      this.childName("versioning"),
      { bucket: bucket.id, versioningConfiguration: { status: "Enabled" } },
      child,
    );
    encryptWith(settingName, bucket, keyArn, child);
    keepPrivate(settingName, bucket, [encryptedConnectionsOnly(this.bucketName)], child);
    new aws.s3.BucketLifecycleConfiguration(
      this.childName("lifecycle"),
      {
        bucket: bucket.id,
        rules: [
          {
            id: "forget",
            status: "Enabled",
            filter: {},
            expiration: { days: retentionDays },
            noncurrentVersionExpiration: { noncurrentDays: NONCURRENT_DAYS },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
        ],
      },
      { ...child, dependsOn: versioning },
    );
  }
}
