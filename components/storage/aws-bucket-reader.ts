import type { StoredObjects } from "./bucket-reader.ts";

/**
 * Reading the objects below a prefix and listing them, as an IAM policy in JSON. Objects under a key of their own also need the role in
 * the policy of that key, which whoever owns it writes.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
 */
export function bucketReaderPolicy({ bucket, prefix }: StoredObjects): string {
  const all = prefix === "";
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: `arn:aws:s3:::${bucket}/${all ? "" : `${prefix}/`}*`,
      },
      {
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: `arn:aws:s3:::${bucket}`,
        ...(all ? {} : { Condition: { StringLike: { "s3:prefix": [prefix, `${prefix}/*`] } } }),
      },
    ],
  });
}
