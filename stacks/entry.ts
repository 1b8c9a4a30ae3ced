import type { Entry } from "../components/entry/entry.ts";
import { HEALTH_CHECK_CIDRS } from "../components/entry/limits.ts";
import { PRE_STOP_SECONDS, type Gateway } from "../components/gateway/gateway.ts";
import { zoneSubnets } from "../components/network/zone-subnets.ts";
import type { CloudServices } from "./clouds/environment.ts";
import { GATEWAY_DRAIN_SECONDS } from "./gateway-configuration.ts";
import { entryCallSeconds } from "./schema/call-time.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Networks that the entry's load balancer, and nothing else, reaches the gateway from; none without an entry. */
export function entrySources({
  cloud,
  gateway: { entry },
}: Pick<PlatformConfig, "cloud" | "gateway">): string[] {
  if (entry.kind === "none") return [];
  switch (cloud.provider) {
    case "aws":
      return zoneSubnets(cloud.network.cidr, cloud.zones).map(({ publicCidr }) => publicCidr);
    case "gcp":
      return [
        ...HEALTH_CHECK_CIDRS,
        ...(cloud.network.proxyCidr === undefined ? [] : [cloud.network.proxyCidr]),
      ];
    case "existing":
    case "local":
      return [];
  }
}

/**
 * The way in from outside of the cluster; undefined where there is none.
 * @throws RangeError where no cloud gives one; the configuration checks find it before
 */
export function deployEntry(
  config: PlatformConfig,
  gateway: Gateway,
  services: CloudServices | undefined,
): Entry | undefined {
  const { entry } = config.gateway;
  if (entry.kind === "none") return undefined;
  if (services === undefined) throw new RangeError("gateway.entry: this cloud has no load balancer to give");
  const { kind, common, ...given } = entry;
  if (common !== undefined && config.site === undefined)
    throw new RangeError("gateway.entry.common needs a site");
  return services.entry({
    ...given,
    reach: kind,
    callSeconds: entryCallSeconds(config),
    drainSeconds: PRE_STOP_SECONDS + GATEWAY_DRAIN_SECONDS,
    gateway,
    ...(common === undefined || config.site === undefined
      ? {}
      : { common: { ...common, site: config.site } }),
  });
}
