import type { AuditDestination } from "../../components/audit/destination.ts";
import type { ClusterHandle } from "../../components/cluster/handle.ts";
import type { ArtifactDestination } from "../../components/evaluation/artifact-destination.ts";

/** What every cloud gives the rest of an environment. */
export interface CloudEnvironment {
  readonly cluster: ClusterHandle;
  readonly audit: AuditDestination;
  /** Object store of MLflow; absent where the environment has none. */
  readonly artifacts?: ArtifactDestination;
}
