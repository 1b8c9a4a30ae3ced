import { ofType, type ResourceGraph, type ResourceNode } from "../graph/graph.ts";
import { statefulKindOf } from "../graph/stateful.ts";
import { valueAt, type GraphValue } from "../graph/values.ts";
import { addDays, type Day } from "./calendar.ts";

/** What becomes of a resource when its stack is destroyed. */
export type Fate =
  /** It goes, and it can be made again. */
  | { readonly kind: "deleted" }
  /** It goes with what it holds. */
  | { readonly kind: "lost"; readonly what: string }
  /** The cloud waits before it goes for good; until then somebody can take the deletion back. */
  | { readonly kind: "scheduled"; readonly until: Day; readonly what: string }
  /** It stays in the cloud, and no stack knows it any more; until a day, "for ever" or "somebody deletes it". */
  | { readonly kind: "kept"; readonly until: string; readonly why: string }
  /** The stack's state holds the only copy, and forgets it. */
  | { readonly kind: "forgotten"; readonly what: string }
  /** Nobody can say from the plan. */
  | { readonly kind: "unknown"; readonly why: string };

/** Day of the teardown and what stands around a resource. */
interface Situation {
  readonly graph: ResourceGraph;
  readonly today: Day;
}

/** Days between scheduling a deletion and losing the key when nobody says otherwise. @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
const AWS_KEY_DAYS = 30;

const SECONDS_PER_DAY = 24 * 3600;

function show(value: GraphValue | undefined): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}

function unknown(path: string, value: GraphValue | undefined): Fate {
  return { kind: "unknown", why: `${path} = ${show(value)}, so nobody can say until when it is kept` };
}

/** Settings of a bucket: resources of one type that name it. */
function settingOf({ graph }: Situation, bucket: ResourceNode, type: string): ResourceNode | undefined {
  return ofType(graph, type).find(({ dependencies }) => dependencies.includes(bucket.urn));
}

function awsBucketKept(bucket: ResourceNode, situation: Situation): Fate {
  const lock = settingOf(
    situation,
    bucket,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  );
  if (lock === undefined)
    return { kind: "kept", until: "somebody deletes it", why: "no lock ends by itself" };
  const days = valueAt(lock.inputs, "rule.defaultRetention.days");
  const mode = valueAt(lock.inputs, "rule.defaultRetention.mode");
  if (typeof days !== "number") return unknown("rule.defaultRetention.days", days);
  if (typeof mode !== "string") return unknown("rule.defaultRetention.mode", mode);
  return {
    kind: "kept",
    until: addDays(situation.today, days),
    why: `Object Lock in ${mode} mode for ${days} days, counted for the last record from today`,
  };
}

function gcpBucketKept(bucket: ResourceNode, { today }: Situation): Fate {
  const period = valueAt(bucket.inputs, "retentionPolicy.retentionPeriod");
  const locked = valueAt(bucket.inputs, "retentionPolicy.isLocked");
  if (period === undefined)
    return { kind: "kept", until: "somebody deletes it", why: "no lock ends by itself" };
  const seconds = Number(period);
  if (!Number.isFinite(seconds)) return unknown("retentionPolicy.retentionPeriod", period);
  if (typeof locked !== "boolean") return unknown("retentionPolicy.isLocked", locked);
  const days = Math.ceil(seconds / SECONDS_PER_DAY);
  return {
    kind: "kept",
    until: addDays(today, days),
    why: `${locked ? "locked" : "not locked"} retention policy of ${days} days, counted for the last record from today`,
  };
}

/** Last day on which something kept is read with a key. */
function keyNeededUntil(key: ResourceNode, situation: Situation): Fate {
  const users = situation.graph.nodes.filter(({ dependencies }) => dependencies.includes(key.urn));
  const read = users.flatMap((user) => [
    user,
    ...situation.graph.nodes.filter(({ urn }) => user.dependencies.includes(urn)),
  ]);
  const fates = [...new Set(read)]
    .filter(({ type, options }) => statefulKindOf(type) === "bucket" && isKept(options))
    .map((bucket) => ({ bucket, fate: fateOf(bucket, situation) }));
  const unclear = fates.find(({ fate }) => fate.kind === "unknown");
  if (unclear !== undefined) return unclear.fate;
  // Words sort after dates: what ends by itself comes last.
  const [last] = fates
    .flatMap(({ bucket, fate }) => (fate.kind === "kept" ? [{ bucket, until: fate.until }] : []))
    .sort((a, b) => (a.until < b.until ? 1 : -1));
  return last === undefined
    ? { kind: "kept", until: "somebody deletes it", why: "the stack retains it" }
    : { kind: "kept", until: last.until, why: `${last.bucket.name} cannot be read without it` };
}

function isKept({ protect, retainOnDelete }: ResourceNode["options"]): boolean {
  return protect || retainOnDelete === true;
}

function keptFate(node: ResourceNode, situation: Situation): Fate {
  switch (statefulKindOf(node.type)) {
    case "bucket":
      return node.type.startsWith("aws:") ? awsBucketKept(node, situation) : gcpBucketKept(node, situation);
    case "key":
      return node.type === "gcp:kms/keyRing:KeyRing" ? keyRing() : keyNeededUntil(node, situation);
    case "secret":
      return { kind: "forgotten", what: "a secret that only the state of this stack holds" };
    case "cluster":
    case "database":
    case "disk":
    case "log":
    case "metrics":
    case "namespace":
    case "volumes":
      return { kind: "kept", until: "somebody deletes it", why: "the stack retains it" };
    case undefined:
      return { kind: "kept", until: "somebody deletes it", why: "a setting of something that is kept" };
  }
}

/** @see https://cloud.google.com/kms/docs/resource-hierarchy#key_rings */
function keyRing(): Fate {
  return {
    kind: "kept",
    until: "for ever",
    why: "Cloud KMS has no way to delete a key ring; its name stays taken",
  };
}

function scheduledKey(node: ResourceNode, { today }: Situation): Fate {
  if (node.type === "gcp:kms/keyRing:KeyRing") return keyRing();
  if (node.type.startsWith("aws:")) {
    const days = valueAt(node.inputs, "deletionWindowInDays") ?? AWS_KEY_DAYS;
    if (typeof days !== "number") return unknown("deletionWindowInDays", days);
    return {
      kind: "scheduled",
      until: addDays(today, days),
      what: "the key, and whatever is encrypted with it",
    };
  }
  const wait = valueAt(node.inputs, "destroyScheduledDuration");
  const seconds = typeof wait === "string" ? /^(\d+)s$/.exec(wait)?.[1] : undefined;
  if (seconds === undefined) return unknown("destroyScheduledDuration", wait);
  const until = addDays(today, Math.ceil(Number(seconds) / SECONDS_PER_DAY));
  return { kind: "scheduled", until, what: "all versions of the key; its name stays taken" };
}

function lostLog(node: ResourceNode): Fate {
  const days = valueAt(node.inputs, "retentionInDays");
  return { kind: "lost", what: `its logs${typeof days === "number" ? ` of up to ${days} days` : ""}` };
}

/** What becomes of one resource when its stack is destroyed on a day. */
export function fateOf(node: ResourceNode, situation: Situation): Fate {
  if (isKept(node.options)) return keptFate(node, situation);
  switch (statefulKindOf(node.type)) {
    case "key":
      return scheduledKey(node, situation);
    case "log":
      return lostLog(node);
    case "metrics":
      return { kind: "lost", what: "its metrics" };
    case "bucket":
      return { kind: "lost", what: "its objects, which somebody has to delete first" };
    case "database":
    case "disk":
      return { kind: "lost", what: "its data" };
    case "volumes":
      return valueAt(node.inputs, "spec.volumeClaimTemplates") === undefined &&
        node.type === "kubernetes:apps/v1:StatefulSet"
        ? { kind: "deleted" }
        : { kind: "lost", what: "what stands on its volumes and nowhere else" };
    case "cluster":
    case "namespace":
    case "secret":
    case undefined:
      return { kind: "deleted" };
  }
}
