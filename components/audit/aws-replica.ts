import * as aws from "../sdk/aws.ts";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** A second copy of the audit records. */
export interface AwsAuditReplicaArgs {
  /** Physical prefix of the role. */
  readonly prefix: string;
  readonly source: aws.s3.Bucket;
  /** Key the records are encrypted with. */
  readonly sourceKeyArn: pulumi.Input<string>;
  /** ARN of a versioned bucket with Object Lock, for example in another account of the client. */
  readonly destinationArn: string;
  /** ARN of the key of that bucket. */
  readonly destinationKeyArn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What S3 may do when it copies: read versions here, write replicas there, use both keys. */
export function replicationPolicy(
  source: string,
  sourceKey: string,
  args: Pick<AwsAuditReplicaArgs, "destinationArn" | "destinationKeyArn">,
): string {
  const allow = (Action: readonly string[], Resource: string): object => ({
    Effect: "Allow",
    Action,
    Resource,
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
      allow(
        [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
          "s3:GetObjectRetention",
          "s3:GetObjectLegalHold",
        ],
        `${source}/*`,
      ),
      allow(["s3:ReplicateObject", "s3:ReplicateTags"], `${args.destinationArn}/*`),
      allow(["kms:Decrypt"], sourceKey),
      allow(["kms:Encrypt", "kms:GenerateDataKey"], args.destinationKeyArn),
    ],
  });
}

/**
 * Copies every audit record, with its lock, into another bucket. Deletions are not copied.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication
 */
export class AwsAuditReplica extends LlmopsComponent {
  constructor(name: string, args: AwsAuditReplicaArgs, opts?: ComponentOptions) {
    super("audit", "AwsAuditReplica", name, opts);
    const child = { parent: this };
    const role = new aws.iam.Role(
      this.childName("role"),
      {
        name: `${args.prefix}-audit-replication`,
        assumeRolePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" },
          ],
        }),
        tags: args.tags,
      },
      child,
    );
    const access = new aws.iam.RolePolicy(
      this.childName("access"),
      {
        role: role.name,
        policy: pulumi
          .all([args.source.arn, args.sourceKeyArn])
          .apply(([source, key]) => replicationPolicy(source, key, args)),
      },
      child,
    );
    new aws.s3.BucketReplicationConfig(
      this.childName("rule"),
      {
        bucket: args.source.id,
        role: role.arn,
        rules: [
          {
            id: "everything",
            status: "Enabled",
            filter: {},
            deleteMarkerReplication: { status: "Disabled" },
            sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
            destination: {
              bucket: args.destinationArn,
              encryptionConfiguration: { replicaKmsKeyId: args.destinationKeyArn },
            },
          },
        ],
      },
      { ...child, dependsOn: access },
    );
    this.registerOutputs({ destination: args.destinationArn });
  }
}
