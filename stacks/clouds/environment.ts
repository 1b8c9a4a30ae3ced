import type { AuditDestination } from "../../components/audit/destination.ts";
import type { ClusterHandle } from "../../components/cluster/handle.ts";
import type { Entry, EntrySpec } from "../../components/entry/entry.ts";
import type { MetricsBackend } from "../../components/observability/metrics/backend.ts";
import type { BucketReader, BucketReaderSpec } from "../../components/storage/bucket-reader.ts";
import type { ObjectStore, ObjectStoreSpec } from "../../components/storage/object-store.ts";
import type { SharedFiles, SharedFilesSpec } from "../../components/storage/shared-files.ts";
import type { PlatformConfig } from "../schema/platform.ts";

/** A managed Prometheus as the stack file chooses it. */
export type ManagedMetrics = Extract<
  PlatformConfig["observability"]["metrics"],
  { kind: "amazon-managed" | "google-managed" }
>;

/** What the environment's own cloud can give its pods. */
export interface CloudServices {
  /** A private bucket with an identity for each of its users. */
  readonly objectStore: (spec: ObjectStoreSpec) => ObjectStore;
  /** Read access to a bucket of the same cloud that is not the stack's. */
  readonly bucketReader: (spec: BucketReaderSpec) => BucketReader;
  /** A way in from outside of the cluster. */
  readonly entry: (spec: EntrySpec) => Entry;
  /** Volumes that pods on many nodes write to. */
  readonly sharedFiles: (spec: SharedFilesSpec) => SharedFiles;
  /**
   * The cloud's own Prometheus.
   * @throws RangeError when it is the other cloud's; the configuration checks find it before
   */
  readonly managedMetrics: (metrics: ManagedMetrics) => MetricsBackend;
}

/** What every cloud gives the rest of an environment. */
export interface CloudEnvironment {
  readonly cluster: ClusterHandle;
  readonly audit: AuditDestination;
  /** Absent on a cluster that somebody else created: whose cloud it is in, nobody says. */
  readonly services?: CloudServices;
}
