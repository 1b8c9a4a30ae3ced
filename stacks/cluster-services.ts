import * as k8s from "@pulumi/kubernetes";
import { HelmAddon } from "../components/addon/helm-addon.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Monitoring, type GpuExporter } from "../components/observability/monitoring.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** What the gateway and the models need on the cluster. */
export interface ClusterServices {
  readonly monitoring: Monitoring;
  readonly keda: HelmAddon;
}

/** What exports the GPUs' metrics: on Google Cloud the cloud's own exporter does, into its own monitoring. */
export function gpuExporter({ cloud, gpuPools }: PlatformConfig): GpuExporter {
  if (gpuPools.length === 0) return "none";
  switch (cloud.provider) {
    case "aws":
      return cloud.cluster.gpuSoftware;
    case "existing":
      return cloud.gpuSoftware === "managed" ? "none" : cloud.gpuSoftware;
    case "gcp":
    case "local":
      return "none";
  }
}

/** Prometheus and KEDA, where models are served. */
export function clusterServices(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
): ClusterServices | undefined {
  if (config.models.length + config.providers.length === 0) return undefined;
  const providers = { kubernetes: cluster.provider };
  const monitoring = new Monitoring(
    `${name}-monitoring`,
    {
      retentionDays: config.observability.metricsRetentionDays,
      alerting: config.alerting.receivers.length > 0 || config.alerting.throttle !== undefined ? "on" : "off",
      gpuExporter: gpuExporter(config),
    },
    { providers },
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
