import type { AuditDestination } from "../../components/audit/destination.ts";
import type { ClusterHandle } from "../../components/cluster/handle.ts";

/** What every cloud gives the rest of an environment. */
export interface CloudEnvironment {
  readonly cluster: ClusterHandle;
  readonly audit: AuditDestination;
}
