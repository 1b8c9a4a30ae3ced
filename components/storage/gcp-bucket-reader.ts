import type * as gcp from "../sdk/gcp.ts";
import type { StoredObjects } from "./bucket-reader.ts";

/** Reads objects and lists them. */
export const BUCKET_READER_ROLE = "roles/storage.objectViewer";

/**
 * Narrows a role on a bucket to the objects below a prefix; listing is asked of the bucket itself. Undefined for the whole bucket. The
 * bucket must have uniform access.
 * @see https://cloud.google.com/storage/docs/access-control/iam#conditions
 */
export function belowPrefix({
  bucket,
  prefix,
}: StoredObjects): gcp.types.input.storage.BucketIAMMemberCondition | undefined {
  if (prefix === "") return undefined;
  return {
    title: "weights",
    description: `Objects below ${prefix}/ and the list of objects`,
    expression: `resource.type != "storage.googleapis.com/Object" || resource.name.startsWith("projects/_/buckets/${bucket}/objects/${prefix}/")`,
  };
}
