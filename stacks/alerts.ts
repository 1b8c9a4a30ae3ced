import type { ClusterHandle } from "../components/cluster/handle.ts";
import type { TrackingServer } from "../components/evaluation/tracking-server.ts";
import { GATEWAY_NAMESPACE } from "../components/gateway/address.ts";
import { LOOPS_TOKEN, LOOPS_URL } from "../components/loops/address.ts";
import { Alerts } from "../components/observability/alerts.ts";
import { DriftJob } from "../components/observability/drift-job.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { mlflowClient } from "./mlflow-client.ts";
import { pipelineOf } from "./pipeline.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Where Alertmanager asks the gateway to throttle. */
const THROTTLE_URL = `http://gateway-admin.${GATEWAY_NAMESPACE}.svc/admin/alerts`;

/** The nightly comparison of traces, where the stack has one. */
export function deployDriftJob(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  tracking: TrackingServer | undefined,
): void {
  const { driftJob } = config.observability;
  if (driftJob.kind === "none") return;
  const { image, mlflowUrl, traces, schedule } = driftJob;
  new DriftJob(
    `${name}-drift`,
    {
      image,
      mlflow: mlflowClient(mlflowUrl, tracking),
      traces,
      schedule,
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider } },
  );
}

/** Rules and alerts of the pipeline file, and where alerts go. */
export function deployAlerts(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  { monitoring }: Pick<ClusterServices, "monitoring">,
): void {
  const { alerting } = config;
  new Alerts(
    `${name}-alerts`,
    {
      groups: pipelineOf(config).groups,
      receivers: alerting.receivers,
      ...(alerting.throttle === undefined
        ? {}
        : { throttle: { url: THROTTLE_URL, key: alerting.throttle.key } }),
      ...(config.loops.automation.kind === "off" ? {} : { loops: { url: LOOPS_URL, key: LOOPS_TOKEN } }),
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: monitoring.chart },
  );
}
