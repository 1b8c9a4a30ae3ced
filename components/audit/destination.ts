import type * as pulumi from "@pulumi/pulumi";

/** Where the gateway ships sealed audit segments; `local` keeps them on the volumes of its replicas. */
export type AuditBucket =
  | { readonly kind: "s3"; readonly bucket: string; readonly region: string }
  | { readonly kind: "gcs"; readonly bucket: string }
  | { readonly kind: "local" };

/** Audit storage of an environment as its writer sees it. */
export interface AuditDestination {
  readonly bucket: AuditBucket;
  /** Where the keys of data subjects are; absent where no content is kept. */
  readonly subjectKeys?: AuditBucket;
  /** Annotations that give the writer's service account its cloud identity. */
  readonly serviceAccountAnnotations: Readonly<Record<string, pulumi.Input<string>>>;
  /** Node-local addresses of the agent that hands out credentials. */
  readonly identity: readonly { readonly cidr: string; readonly port: number }[];
  /** What must exist before the writer starts. */
  readonly ready: readonly pulumi.Resource[];
}
