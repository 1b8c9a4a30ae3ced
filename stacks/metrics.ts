import {
  MONITORING_NAMESPACE,
  PROMETHEUS_ACCOUNT,
  THANOS_ACCOUNTS,
  THANOS_NAMESPACE,
} from "../components/observability/address.ts";
import type { MetricsBackend } from "../components/observability/metrics/backend.ts";
import type { StoreUser } from "../components/storage/object-store.ts";
import type { CloudServices } from "./clouds/environment.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** Who uses the bucket of Thanos: the sidecars add, the store reads, the compactor merges and deletes. */
const THANOS_USERS: readonly StoreUser[] = [
  { name: "sidecar", namespace: MONITORING_NAMESPACE, serviceAccount: PROMETHEUS_ACCOUNT, access: "add" },
  { name: "reader", namespace: THANOS_NAMESPACE, serviceAccount: THANOS_ACCOUNTS.store, access: "read" },
  {
    name: "compactor",
    namespace: THANOS_NAMESPACE,
    serviceAccount: THANOS_ACCOUNTS.compactor,
    access: "write",
  },
];

/**
 * Where the metrics of an environment go, with what its cloud must have for it.
 * @throws RangeError when the environment's cloud does not offer it; the configuration checks find it before
 */
export function metricsBackend(config: PlatformConfig, services: CloudServices | undefined): MetricsBackend {
  const { metrics } = config.observability;
  switch (metrics.kind) {
    case "local":
      return metrics;
    case "remote-write":
      return { ...metrics, ready: [] };
    case "amazon-managed":
    case "google-managed":
      if (services === undefined) throw new RangeError(`${metrics.kind} metrics need a cloud`);
      return services.managedMetrics(metrics);
    case "thanos": {
      if (services === undefined) throw new RangeError("thanos needs a cloud for its bucket");
      const { retentionDays } = metrics;
      return {
        ...metrics,
        store: services.objectStore({ purpose: "metrics", retentionDays, users: THANOS_USERS }),
      };
    }
  }
}
