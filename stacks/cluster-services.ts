import * as k8s from "@pulumi/kubernetes";
import { HelmAddon } from "../components/addon/helm-addon.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Monitoring } from "../components/observability/monitoring.ts";
import { gpuExporter } from "./gpu-exporter.ts";
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
): ClusterServices | undefined {
  if (config.models.length + config.providers.length === 0) return undefined;
  const providers = { kubernetes: cluster.provider };
  const monitoring = new Monitoring(
    `${name}-monitoring`,
    {
      retentionDays: config.observability.metricsRetentionDays,
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
