import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import type { Problem } from "./control.ts";
import { expectInput, isBelow, listed, naming, problemAt } from "./reading.ts";

const STORES = ["llmops:storage:AwsObjectStore", "llmops:storage:GcpObjectStore"];
const BUCKETS = ["aws:s3/bucket:Bucket", "gcp:storage/bucket:Bucket"];
const CLOSED = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/** Buckets that traces, logs and metrics of the platform are kept in. */
export function telemetryBuckets(graph: ResourceGraph): ResourceNode[] {
  return graph.nodes.filter((node) => BUCKETS.includes(node.type) && isBelow(graph, node, STORES));
}

function ends(
  resource: string,
  property: string,
  rules: GraphValue | undefined,
  age: string,
  most: number,
): Problem[] {
  const expected = `a rule that deletes after 1 to ${most} days`;
  if (isUnknown(rules)) return [problemAt(resource, property, rules, expected)];
  const ages = listed(rules).map((rule) => valueAt(rule, age) ?? null);
  const unknown = ages.find(isUnknown);
  if (unknown !== undefined) return [problemAt(resource, property, unknown, expected)];
  return ages.some((days) => typeof days === "number" && days > 0 && days <= most)
    ? []
    : [problemAt(resource, property, [...ages], expected)];
}

function onAws(graph: ResourceGraph, bucket: ResourceNode, most: number): Problem[] {
  const setting = (type: string): ResourceNode | undefined =>
    naming(graph, `aws:s3/${type}`, "bucket", bucket.urn)[0];
  const lifecycle = setting("bucketLifecycleConfiguration:BucketLifecycleConfiguration");
  const closed = setting("bucketPublicAccessBlock:BucketPublicAccessBlock");
  return [
    ...(lifecycle === undefined
      ? [problemAt(bucket.urn, undefined, undefined, "a lifecycle rule that ends copies")]
      : ends(lifecycle.urn, "rules", lifecycle.inputs["rules"], "expiration.days", most)),
    ...(closed === undefined
      ? [problemAt(bucket.urn, undefined, undefined, "a block of public access")]
      : CLOSED.flatMap((key) => expectInput(closed, key, "true", (value) => value === true))),
  ];
}

/**
 * What is wrong with the buckets of telemetry: copies that do not end, or that anybody could read.
 * @param most days a copy may live
 */
export function telemetryBucketProblems(graph: ResourceGraph, most: number): Problem[] {
  return telemetryBuckets(graph).flatMap((bucket) =>
    bucket.type.startsWith("aws:")
      ? onAws(graph, bucket, most)
      : [
          ...ends(bucket.urn, "lifecycleRules", bucket.inputs["lifecycleRules"], "condition.age", most),
          ...expectInput(bucket, "publicAccessPrevention", '"enforced"', (value) => value === "enforced"),
        ],
  );
}
