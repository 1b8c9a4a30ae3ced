import * as k8s from "@pulumi/kubernetes";
import { HelmAddon } from "../components/addon/helm-addon.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Thanos } from "../components/observability/metrics/thanos.ts";
import { Monitoring } from "../components/observability/monitoring.ts";
import type { CloudServices } from "./clouds/environment.ts";
import { gpuExporter } from "./gpu-exporter.ts";
import { metricsBackend } from "./metrics.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** What the gateway and the models need on the cluster. */
export interface ClusterServices {
  readonly monitoring: Monitoring;
  readonly keda: HelmAddon;
}

/** Prometheus and KEDA, where models are served. */
export function clusterServices(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  services: CloudServices | undefined,
): ClusterServices | undefined {
  if (config.models.length + config.providers.length === 0) return undefined;
  const providers = { kubernetes: cluster.provider };
  const backend = metricsBackend(config, services);
  const monitoring = new Monitoring(
    `${name}-monitoring`,
    {
      retentionDays: config.observability.metricsRetentionDays,
      volumeGiB: config.observability.metricsVolumeGiB,
      backend,
      clusterName: name,
      alerting:
        config.alerting.receivers.length > 0 ||
        config.alerting.throttle !== undefined ||
        config.loops.automation.kind === "on"
          ? "on"
          : "off",
      gpuExporter: gpuExporter(config),
    },
    { providers },
  );
  if (backend.kind === "thanos")
    new Thanos(
      `${name}-thanos`,
      {
        ...backend,
        labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
      },
      { providers, dependsOn: monitoring.chart },
    );
  const kedaNamespace = new k8s.core.v1.Namespace(
    `${name}-keda-namespace`,
    { metadata: { name: "keda", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    { provider: cluster.provider },
  );
  const keda = new HelmAddon(
    `${name}-keda`,
    { chart: "keda", namespace: "keda" },
    { providers, dependsOn: kedaNamespace },
  );
  return { monitoring, keda };
}
