import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Collectors } from "../components/tracing/collectors.ts";
import { STORE_ACCOUNTS, TELEMETRY_NAMESPACE } from "../components/tracing/address.ts";
import {
  LOG_STORE_URL,
  LogStore,
  TRACE_STORE_URL,
  TraceStore,
  type TelemetryStorage,
} from "../components/tracing/stores.ts";
import { TelemetryNamespace } from "../components/tracing/telemetry-namespace.ts";
import { CONTENT_ATTRIBUTES, RENAMED_ATTRIBUTES } from "../gateway/src/tracing/semconv.ts";
import type { ClusterServices } from "./cluster-services.ts";
import type { CloudServices } from "./clouds/environment.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { bucketsOf, type TelemetryPurpose } from "./schema/telemetry-storage.ts";

/** Whether engines send spans to the collectors. */
export function engineSpans({ observability: { telemetry } }: PlatformConfig): "on" | "off" {
  return telemetry.kind === "collector" ? telemetry.engineSpans : "off";
}

/**
 * Where each store keeps what it takes; a bucket is created here.
 * @throws RangeError for a bucket without a cloud; the configuration checks find it before
 */
function storages(
  config: PlatformConfig,
  services: CloudServices | undefined,
): Readonly<Record<TelemetryPurpose, TelemetryStorage>> {
  const { telemetry } = config.observability;
  const wanted = bucketsOf(config);
  const storage = (purpose: TelemetryPurpose): TelemetryStorage => {
    const settings = telemetry.kind === "off" ? undefined : telemetry[purpose];
    if (settings === undefined || !wanted.includes(purpose)) return { kind: "volume" };
    if (services === undefined) throw new RangeError(`${purpose} need a cloud for their bucket`);
    const user = {
      name: "store",
      namespace: TELEMETRY_NAMESPACE,
      serviceAccount: STORE_ACCOUNTS[purpose],
      access: "write",
    } as const;
    const { retentionDays } = settings;
    return { kind: "bucket", store: services.objectStore({ purpose, retentionDays, users: [user] }) };
  };
  return { traces: storage("traces"), logs: storage("logs") };
}

/** Collectors, and the stores of traces and logs, where the environment has them. */
export function deployTelemetry(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  { monitoring }: Pick<ClusterServices, "monitoring">,
  services: CloudServices | undefined,
): void {
  const { telemetry, traceSampling } = config.observability;
  if (telemetry.kind === "off") return;
  const { image, replicas, slowMs, traces, logs, platforms } = telemetry;
  const labels = { "llmops.io/client": config.client, "llmops.io/environment": config.environment };
  const providers = { kubernetes: cluster.provider };
  const storage = storages(config, services);
  const buckets = Object.values(storage).filter((each) => each.kind === "bucket");
  const identity = buckets[0]?.store.identity;
  const namespace = new TelemetryNamespace(
    `${name}-telemetry`,
    {
      outside: platforms.length === 0 ? "none" : "https",
      ...(identity === undefined ? {} : { buckets: { identity } }),
      labels,
    },
    { providers },
  );
  const inside = { providers, dependsOn: [namespace.namespace, monitoring.chart] };
  new TraceStore(`${name}-traces`, { ...traces, storage: storage.traces }, inside);
  if (logs !== undefined) new LogStore(`${name}-logs`, { ...logs, storage: storage.logs }, inside);
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
