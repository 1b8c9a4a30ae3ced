import type { ClusterHandle } from "../components/cluster/handle.ts";
import type { ArtifactDestination } from "../components/evaluation/artifact-destination.ts";
import { TrackingServer } from "../components/evaluation/tracking-server.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** What MLflow is deployed onto. */
export interface TrackingTarget {
  readonly cluster: ClusterHandle;
  readonly artifacts: ArtifactDestination | undefined;
}

/**
 * MLflow, where the environment has it.
 * @throws RangeError where there is no object store; the schema refuses that before
 */
export function deployTracking(
  name: string,
  config: PlatformConfig,
  target: TrackingTarget,
): TrackingServer | undefined {
  const { tracking } = config.evaluation;
  if (tracking.kind === "none") return undefined;
  const { cluster, artifacts } = target;
  if (artifacts === undefined) throw new RangeError("evaluation.tracking: there is no object store");
  return new TrackingServer(
    `${name}-mlflow`,
    {
      image: tracking.image,
      database: tracking.database,
      artifacts,
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: [...artifacts.ready] },
  );
}
