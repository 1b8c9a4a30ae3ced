import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { StoreDeadlines } from "./deadline.ts";
import { STORE_DEADLINES, within } from "./deadline.ts";
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
export async function s3Store(
  location: S3Location,
  { connectMs, callMs }: StoreDeadlines = STORE_DEADLINES,
): Promise<ObjectStore> {
  const sdk = await import("@aws-sdk/client-s3");
  const { bucket: Bucket, region, prefix, endpoint } = location;
  const client: S3Client = new sdk.S3Client({
    region,
    maxAttempts: 3,
    // The idle time also ends a body that stops coming, which no deadline of a call sees.
    requestHandler: { connectionTimeout: connectMs, socketTimeout: callMs },
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
  });
  const keyOf = (name: string): string => `${prefix}${name}`;

  async function checksumOf(name: string, abortSignal: AbortSignal): Promise<string | undefined> {
    const head = await client.send(
      new sdk.HeadObjectCommand({ Bucket, Key: keyOf(name), ChecksumMode: "ENABLED" }),
      { abortSignal },
    );
    return head.ChecksumSHA256 ?? head.Metadata?.["sha256"];
  }

  async function open(name: string, abortSignal: AbortSignal): Promise<Readable | null> {
    try {
      const object = await client.send(new sdk.GetObjectCommand({ Bucket, Key: keyOf(name) }), {
        abortSignal,
      });
      return object.Body as Readable;
    } catch (error) {
      if (isStatus(error, 404)) return null;
      throw error;
    }
  }

  return {
    putOnce: (name, bytes) =>
      within(callMs, async (abortSignal) => {
        const sha256 = createHash("sha256").update(bytes).digest("base64");
        const put = new sdk.PutObjectCommand({
          Bucket,
          Key: keyOf(name),
          Body: bytes,
          IfNoneMatch: "*",
          ChecksumAlgorithm: "SHA256",
          ChecksumSHA256: sha256,
          Metadata: { sha256 },
        });
        try {
          await client.send(put, { abortSignal });
        } catch (error) {
          if (!isStatus(error, 412)) throw error;
          if ((await checksumOf(name, abortSignal)) !== sha256) throw new ObjectConflictError(name);
        }
      }),
    get: (name) =>
      within(callMs, async (signal) => {
        const body = await open(name, signal);
        return body === null ? null : Buffer.concat(await body.toArray({ signal }));
      }),
    async stream(name) {
      const body = await within(callMs, (signal) => open(name, signal));
      if (body === null) throw new Error(`s3://${Bucket}/${keyOf(name)} is missing`);
      return body;
    },
    async list(start) {
      const names: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const next = new sdk.ListObjectsV2Command({ Bucket, Prefix: keyOf(start), ContinuationToken });
        const page = await within(callMs, (abortSignal) => client.send(next, { abortSignal }));
        for (const { Key } of page.Contents ?? [])
          if (Key !== undefined) names.push(Key.slice(prefix.length));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return names.sort();
    },
    async remove(name) {
      const gone = new sdk.DeleteObjectCommand({ Bucket, Key: keyOf(name) });
      await within(callMs, (abortSignal) => client.send(gone, { abortSignal }));
    },
  };
}
