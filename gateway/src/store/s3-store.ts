import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { ObjectStore } from "./object-store.ts";
import { ObjectConflictError } from "./object-store.ts";

/** An S3 bucket; with Object Lock its default retention makes each object immutable. */
export interface S3Location {
  readonly bucket: string;
  readonly region: string;
  /** Put before each name, for example `prod/`. */
  readonly prefix: string;
  /** Other S3 endpoint, for example of an on-premises store; null for AWS. */
  readonly endpoint: string | null;
}

function isStatus(error: unknown, status: number): boolean {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } }).$metadata;
  return metadata?.httpStatusCode === status;
}

/** Opens a bucket; credentials come from the environment (EKS Pod Identity, IRSA, variables). */
export async function s3Store(location: S3Location): Promise<ObjectStore> {
  const sdk = await import("@aws-sdk/client-s3");
  const { bucket: Bucket, region, prefix, endpoint } = location;
  const client: S3Client = new sdk.S3Client({
    region,
    maxAttempts: 3,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
  });
  const keyOf = (name: string): string => `${prefix}${name}`;

  async function checksumOf(name: string): Promise<string | undefined> {
    const head = await client.send(
      new sdk.HeadObjectCommand({ Bucket, Key: keyOf(name), ChecksumMode: "ENABLED" }),
    );
    return head.ChecksumSHA256 ?? head.Metadata?.["sha256"];
  }

  async function open(name: string): Promise<Readable | null> {
    try {
      const object = await client.send(new sdk.GetObjectCommand({ Bucket, Key: keyOf(name) }));
      return object.Body as Readable;
    } catch (error) {
      if (isStatus(error, 404)) return null;
      throw error;
    }
  }

  return {
    async putOnce(name, bytes) {
      const sha256 = createHash("sha256").update(bytes).digest("base64");
      try {
        await client.send(
          new sdk.PutObjectCommand({
            Bucket,
            Key: keyOf(name),
            Body: bytes,
            IfNoneMatch: "*",
            ChecksumAlgorithm: "SHA256",
            ChecksumSHA256: sha256,
            Metadata: { sha256 },
          }),
        );
      } catch (error) {
        if (!isStatus(error, 412)) throw error;
        if ((await checksumOf(name)) !== sha256) throw new ObjectConflictError(name);
      }
    },
    async get(name) {
      const body = await open(name);
      return body === null ? null : Buffer.concat(await body.toArray());
    },
    async stream(name) {
      const body = await open(name);
      if (body === null) throw new Error(`s3://${Bucket}/${keyOf(name)} is missing`);
      return body;
    },
    async list(start) {
      const names: string[] = [];
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket, Prefix: keyOf(start) });
      for await (const page of pages) {
        for (const { Key } of page.Contents ?? [])
          if (Key !== undefined) names.push(Key.slice(prefix.length));
      }
      return names.sort();
    },
    async remove(name) {
      await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: keyOf(name) }));
    },
  };
}
