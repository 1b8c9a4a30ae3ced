import * as aws from "../sdk/aws.ts";
import type * as pulumi from "@pulumi/pulumi";

/** Statement of a bucket policy that refuses everything that comes over an unencrypted connection. */
export function encryptedConnectionsOnly(bucket: string): object {
  return {
    Sid: "EncryptedConnectionsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: ["s3:*"],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

/**
 * Makes a bucket private: nothing public whatever a policy says, no access lists, and the given statements as its policy.
 * @param childName names the settings; their suffixes are `closed`, `owner` and `policy`
 * @param statements of the bucket policy
 */
export function keepPrivate(
  childName: (suffix: string) => string,
  bucket: aws.s3.Bucket,
  statements: readonly object[],
  opts: pulumi.CustomResourceOptions,
): void {
  const closed = new aws.s3.BucketPublicAccessBlock(
    childName("closed"),
    {
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    opts,
  );
  new aws.s3.BucketOwnershipControls(
    childName("owner"),
    { bucket: bucket.id, rule: { objectOwnership: "BucketOwnerEnforced" } },
    opts,
  );
  new aws.s3.BucketPolicy(
    childName("policy"),
    {
      bucket: bucket.id,
      policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
    },
    { ...opts, dependsOn: closed },
  );
}

/** Encrypts every new object of a bucket with a key of the platform. */
export function encryptWith(
  childName: (suffix: string) => string,
  bucket: aws.s3.Bucket,
  keyArn: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): void {
  new aws.s3.BucketServerSideEncryptionConfiguration(
    childName("encrypted"),
    {
      bucket: bucket.id,
      rules: [
        {
          bucketKeyEnabled: true,
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
        },
      ],
    },
    opts,
  );
}
