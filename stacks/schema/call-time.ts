import { PROXY_KEEP_ALIVE_SECONDS } from "../../components/entry/limits.ts";
import type { PlatformConfig } from "./platform.ts";

/** Longest call to an external provider, ms. */
export const PROVIDER_CALL_MS = 120_000;

/** Seconds a load balancer waits longer than the gateway, and the gateway keeps connections longer than a load balancer. */
const MARGIN_SECONDS = 10;

/** Longest call to a model of the platform, with the time it is held for one at zero replicas, ms. */
export function ownCallMs(
  { slo }: Pick<PlatformConfig["models"][number], "slo">,
  { holdSeconds }: Pick<PlatformConfig["gateway"], "holdSeconds">,
): number {
  return 2 * slo.e2eP99Ms + holdSeconds * 1000;
}

type Called = Pick<PlatformConfig, "models" | "providers" | "gateway">;

/**
 * Seconds the entry's load balancer waits: longer than the longest call the gateway lets anybody make, because a call without
 * stream is silent until its end.
 */
export function entryCallSeconds({ models, providers, gateway }: Called): number {
  const own = models.map((model) => ownCallMs(model, gateway));
  const longest = Math.max(0, ...own, ...(providers.length === 0 ? [] : [PROVIDER_CALL_MS]));
  return Math.ceil(longest / 1000) + MARGIN_SECONDS;
}

/** Seconds the gateway keeps an idle connection from the entry's load balancer: longer than that one does. */
export function keepAliveSeconds(config: Called & Pick<PlatformConfig, "cloud">): number {
  return (
    MARGIN_SECONDS + (config.cloud.provider === "gcp" ? PROXY_KEEP_ALIVE_SECONDS : entryCallSeconds(config))
  );
}
