import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { isBelow, naming } from "./reading.ts";

/** A setting of a bucket: its value, `unknown` before deployment, or `absent`. */
export type Setting<T> =
  { readonly kind: "set"; readonly value: T } | { readonly kind: "unknown" } | { readonly kind: "absent" };

/** A bucket for audit records, whichever cloud it is on and over however many resources its settings are split. */
export interface AuditBucketView {
  readonly node: ResourceNode;
  /** Physical name. */
  readonly name: GraphValue | undefined;
  /** Resource that carries the lock, for findings; the bucket itself where there is none. */
  readonly lockedBy: ResourceNode;
  readonly lock: Setting<"compliance" | "governance">;
  /** Days each record is kept. */
  readonly days: Setting<number>;
}

/** Buckets of AWS under both of their names. */
const AWS_BUCKETS = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];
const AUDIT = ["llmops:audit:AwsAuditStore", "llmops:audit:GcpAuditStore"];
const DOCUMENTS = ["llmops:audit:AwsDocumentVault", "llmops:audit:GcpDocumentVault"];
const SUBJECT_KEYS = ["llmops:audit:AwsSubjectKeys", "llmops:audit:GcpSubjectKeys"];
const DAYS_PER_YEAR = 365;
const SECONDS_PER_DAY = 86_400;

function setting<T>(value: GraphValue | undefined, read: (value: GraphValue) => T | undefined): Setting<T> {
  if (isUnknown(value)) return { kind: "unknown" };
  const known = value === undefined || value === null ? undefined : read(value);
  return known === undefined ? { kind: "absent" } : { kind: "set", value: known };
}

function positive(value: GraphValue): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : undefined;
}

function onAws(graph: ResourceGraph, node: ResourceNode): AuditBucketView {
  const [lock] = naming(
    graph,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "bucket",
    node.urn,
  );
  const rule = lock === undefined ? undefined : valueAt(lock.inputs, "rule.defaultRetention");
  const mode = setting(rule === undefined ? undefined : valueAt(rule, "mode"), (value) =>
    value === "COMPLIANCE" ? "compliance" : value === "GOVERNANCE" ? "governance" : undefined,
  );
  const days = setting(rule === undefined ? undefined : valueAt(rule, "days"), positive);
  const years = setting(rule === undefined ? undefined : valueAt(rule, "years"), positive);
  const enabled = valueAt(node.inputs, "objectLockEnabled");
  return {
    node,
    name: valueAt(node.inputs, "bucket"),
    lockedBy: lock ?? node,
    lock: isUnknown(enabled) ? { kind: "unknown" } : enabled === true ? mode : { kind: "absent" },
    days:
      days.kind !== "absent" || years.kind !== "set"
        ? days
        : { kind: "set", value: years.value * DAYS_PER_YEAR },
  };
}

function onGoogle(node: ResourceNode): AuditBucketView {
  const policy = valueAt(node.inputs, "retentionPolicy");
  const seconds = setting(policy === undefined ? undefined : valueAt(policy, "retentionPeriod"), positive);
  const isLocked = policy === undefined || policy === null ? undefined : valueAt(policy, "isLocked");
  return {
    node,
    name: valueAt(node.inputs, "name"),
    lockedBy: node,
    lock:
      policy === undefined || policy === null
        ? { kind: "absent" }
        : setting(isLocked ?? false, (value) => (value === true ? "compliance" : "governance")),
    days: seconds.kind === "set" ? { kind: "set", value: seconds.value / SECONDS_PER_DAY } : seconds,
  };
}

function bucketsBelow(graph: ResourceGraph, stores: readonly string[]): AuditBucketView[] {
  return graph.nodes
    .filter((node) => isBelow(graph, node, stores))
    .flatMap((node) => {
      if (AWS_BUCKETS.includes(node.type)) return [onAws(graph, node)];
      return node.type === "gcp:storage/bucket:Bucket" ? [onGoogle(node)] : [];
    });
}

/** Buckets that audit records go to: those below an audit store. */
export function auditBuckets(graph: ResourceGraph): AuditBucketView[] {
  return bucketsBelow(graph, AUDIT);
}

/** Buckets that documentation goes to. */
export function documentBuckets(graph: ResourceGraph): AuditBucketView[] {
  return bucketsBelow(graph, DOCUMENTS);
}

/** Buckets that hold the keys of data subjects. */
export function subjectKeyBuckets(graph: ResourceGraph): AuditBucketView[] {
  return bucketsBelow(graph, SUBJECT_KEYS);
}
