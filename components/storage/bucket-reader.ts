import type * as pulumi from "@pulumi/pulumi";
import type { Address } from "../network-policy.ts";

/** Objects below a prefix of a bucket that somebody else made and fills. */
export interface StoredObjects {
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
}

/** A service account of the cluster that may read them, and nothing else. */
export interface BucketReaderSpec extends StoredObjects {
  /** Suffix of its identity's name, unique per environment. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** What a reader's pods need. */
export interface BucketReader {
  /** Node-local addresses of the agent that hands out credentials. */
  readonly identity: readonly Address[];
  /** What must exist before a pod reads. */
  readonly ready: readonly pulumi.Resource[];
}

/**
 * Objects that `s3://<bucket>/<prefix>` or `gs://<bucket>/<prefix>` names.
 * @throws RangeError for another address; the configuration checks find it before
 */
export function storedObjects(uri: string): StoredObjects {
  const [, bucket, path = ""] = /^(?:s3|gs):\/\/([^/]+)(?:\/(.*))?$/.exec(uri) ?? [];
  if (bucket === undefined) throw new RangeError(`'${uri}' is no address of a bucket`);
  return { bucket, prefix: path.replace(/^\/+|\/+$/g, "") };
}
