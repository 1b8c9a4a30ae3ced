import type * as pulumi from "@pulumi/pulumi";
import type { Address } from "../network-policy.ts";

/** Object store of MLflow as its server sees it. */
export interface ArtifactDestination {
  /** Where artifacts go: `s3://<bucket>/artifacts` or `gs://<bucket>/artifacts`. */
  readonly uri: string;
  /** Annotations that give the server's service account its cloud identity. */
  readonly serviceAccountAnnotations: Readonly<Record<string, pulumi.Input<string>>>;
  /** Node-local addresses of the agent that hands out credentials. */
  readonly identity: readonly Address[];
  /** What must exist before the server starts. */
  readonly ready: readonly pulumi.Resource[];
}

/** Folder of the bucket that artifacts are in; the identity reaches nothing else. */
export const ARTIFACTS = "artifacts";

/** Days a replaced or deleted artifact can still be brought back. */
export const NONCURRENT_DAYS = 30;
