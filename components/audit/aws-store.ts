import { EksRole } from "../cluster/eks-role.ts";
import type { ComponentOptions } from "../component.ts";
import { keyByAlias } from "../encryption/aws-key.ts";
import { AwsImmutableStore, type AwsImmutableStoreArgs } from "./aws-immutable-store.ts";

/** What the writer may do: add objects and read them back to check the copy; never delete. */
export function auditWriterPolicy(
  { prefix, region, accountId }: Pick<AwsImmutableStoreArgs, "prefix" | "region" | "accountId">,
  bucket: string,
): string {
  const bucketArn = `arn:aws:s3:::${bucket}`;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:GetObject", "s3:GetObjectAttributes"],
        Resource: `${bucketArn}/*`,
      },
      { Effect: "Allow", Action: ["s3:ListBucket"], Resource: bucketArn },
      keyByAlias({ alias: `${prefix}-audit`, region, accountId }, ["kms:GenerateDataKey", "kms:Decrypt"]),
    ],
  });
}

/** Immutable storage of audit records on S3, with the role of the pods that write. */
export class AwsAuditStore extends AwsImmutableStore {
  /** Role of the pods that write. */
  readonly writer: EksRole;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: AwsImmutableStoreArgs, opts?: ComponentOptions) {
    super(
      "AwsAuditStore",
      { name: "audit", description: `Audit records of ${args.prefix}; losing it loses them` },
      name,
      args,
      opts,
    );
    this.writer = new EksRole(
      this.childName("writer"),
      {
        roleName: `${args.prefix}-audit-writer`,
        principal: "pods.eks.amazonaws.com",
        inlinePolicy: auditWriterPolicy(args, this.bucketName),
        tags: args.tags,
      },
      { parent: this },
    );
    this.registerOutputs({ bucketName: this.bucketName });
  }
}
