import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Collectors } from "../components/tracing/collectors.ts";
import { LOG_STORE_URL, LogStore, TRACE_STORE_URL, TraceStore } from "../components/tracing/stores.ts";
import { TelemetryNamespace } from "../components/tracing/telemetry-namespace.ts";
import { CONTENT_ATTRIBUTES, RENAMED_ATTRIBUTES } from "../gateway/src/index.ts";
import type { ClusterServices } from "./cluster-services.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Collectors, and the stores of traces and logs, where the environment has them. */
export function deployTelemetry(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  { monitoring }: Pick<ClusterServices, "monitoring">,
): void {
  const { telemetry, traceSampling } = config.observability;
  if (telemetry.kind === "off") return;
  const { image, replicas, slowMs, traces, logs, platforms } = telemetry;
  const labels = { "llmops.io/client": config.client, "llmops.io/environment": config.environment };
  const providers = { kubernetes: cluster.provider };
  const namespace = new TelemetryNamespace(
    `${name}-telemetry`,
    { outside: platforms.length === 0 ? "none" : "https", labels },
    { providers },
  );
  const inside = { providers, dependsOn: [namespace.namespace, monitoring.chart] };
  new TraceStore(`${name}-traces`, traces, inside);
  if (logs !== undefined) new LogStore(`${name}-logs`, logs, inside);
  new Collectors(
    `${name}-collectors`,
    {
      image,
      replicas,
      slowMs,
      share: traceSampling,
      renames: RENAMED_ATTRIBUTES,
      contentAttributes: CONTENT_ATTRIBUTES,
      store: TRACE_STORE_URL,
      platforms,
      ...(logs === undefined ? {} : { logs: LOG_STORE_URL }),
      labels,
    },
    inside,
  );
}
