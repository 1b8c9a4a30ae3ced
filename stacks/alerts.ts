import type { ClusterHandle } from "../components/cluster/handle.ts";
import { GATEWAY_NAMESPACE } from "../components/gateway/address.ts";
import { Alerts } from "../components/observability/alerts.ts";
import { priceOf } from "../pricing/catalog.ts";
import { machineSku } from "../pricing/price.ts";
import { gpuPoolOf } from "./clouds/gpu-pools.ts";
import type { ClusterServices } from "./cluster-services.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Where Alertmanager asks the gateway to throttle. */
const THROTTLE_URL = `http://gateway-admin.${GATEWAY_NAMESPACE}.svc/admin/alerts`;

/** Price of a node of each GPU pool, USD/h; pools of a cluster that somebody else pays for have none. */
function pricedPools({ cloud, gpuPools, budget }: PlatformConfig): { name: string; usdPerHour: string }[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const assumed = budget.onUnknownPrice.kind === "assume" ? budget.onUnknownPrice.usdPerHour : {};
  return gpuPools.flatMap((pool) => {
    const { instanceType } = gpuPoolOf(pool, cloud.provider, cloud.zones);
    const sku = machineSku(cloud.provider, cloud.region, instanceType, "on-demand");
    const price = priceOf(sku)?.usdPerHour ?? assumed[sku];
    return price === undefined ? [] : [{ name: pool.name, usdPerHour: String(price) }];
  });
}

/** Alerts about audit log, availability, quality, drift and cost, and where they go. */
export function deployAlerts(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  { monitoring }: Pick<ClusterServices, "monitoring">,
): void {
  const { alerting, budget } = config;
  new Alerts(
    `${name}-alerts`,
    {
      budgetUsd: budget.monthly * budget.usdPerUnit,
      pools: pricedPools(config),
      receivers: alerting.receivers,
      ...(alerting.throttle === undefined
        ? {}
        : { throttle: { url: THROTTLE_URL, key: alerting.throttle.key } }),
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: monitoring.chart },
  );
}
