import type * as pulumi from "@pulumi/pulumi";
import type { Address } from "../network-policy.ts";

/** A service account of the cluster that uses a bucket. */
export interface StoreUser {
  /** Suffix of its identity's name, unique per bucket. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** `add` may read and add, `write` may also delete: stores merge and expire their own objects. */
  readonly access: "read" | "add" | "write";
}

/** What a bucket of the platform's own stores is for. */
export type StorePurpose = "metrics" | "traces" | "logs" | "mlflow";

/** A bucket to create, whichever cloud it is on. */
export interface ObjectStoreSpec {
  readonly purpose: StorePurpose;
  /** Days the store keeps what it writes; the bucket ends a day later what the store has forgotten. */
  readonly retentionDays: number;
  /** Days a replaced or deleted object can still be brought back. @default gone at once */
  readonly historyDays?: number;
  readonly users: readonly StoreUser[];
}

/** Where a bucket is. */
export type ObjectStoreLocation =
  | { readonly kind: "s3"; readonly bucket: string; readonly region: string }
  | { readonly kind: "gcs"; readonly bucket: string };

/** A bucket as the pods see it that use it. */
export interface ObjectStore {
  readonly location: ObjectStoreLocation;
  /** Node-local addresses of the agent that hands out credentials. */
  readonly identity: readonly Address[];
  /** What must exist before a pod uses it. */
  readonly ready: readonly pulumi.Resource[];
}

/** Days a bucket waits longer than its store before it deletes. */
export const EXPIRY_SLACK_DAYS = 1;
