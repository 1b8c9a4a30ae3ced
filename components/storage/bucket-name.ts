import * as pulumi from "@pulumi/pulumi";

/**
 * Longest bucket name on both clouds.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 * @see https://cloud.google.com/storage/docs/buckets#naming
 */
const BUCKET_NAME_LENGTH = 63;

/**
 * Name of a bucket: `<prefix>-<purpose>-<account or project>`, which makes it unique in the world.
 * @throws pulumi.InputPropertyError when it is too long
 */
export function bucketName(prefix: string, purpose: string, owner: string): string {
  const name = `${prefix}-${purpose}-${owner}`;
  if (name.length > BUCKET_NAME_LENGTH)
    throw new pulumi.InputPropertyError({
      propertyPath: "prefix",
      reason: `'${name}' has more than ${BUCKET_NAME_LENGTH} characters`,
    });
  return name;
}
