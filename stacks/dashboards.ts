import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Dashboards } from "../components/observability/dashboards.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { dashboardScope, runbooks } from "./dashboard-scope.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Dashboards for Grafana, where Prometheus is. */
export function deployDashboards(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  { monitoring }: Pick<ClusterServices, "monitoring">,
): void {
  new Dashboards(
    `${name}-dashboards`,
    {
      scope: dashboardScope(config),
      runbooks: runbooks(),
      folder: config.observability.dashboardsFolder,
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: monitoring.chart },
  );
}
