import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { HelmAddon } from "../addon/helm-addon.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { podSecurityLabels } from "../pod-security.ts";
import { timeSlicingConfigName, type GpuSharing } from "./gpu-pool.ts";

/** What makes GPUs visible to the scheduler: NVIDIA's plugin on its own, or the whole operator; never both. */
export type GpuSoftware = "device-plugin" | "gpu-operator";

/** GPU software of a cluster whose nodes bring driver and container toolkit. */
export interface DevicePluginArgs {
  readonly software: GpuSoftware;
  /** How the pools share their GPUs. */
  readonly sharing: readonly GpuSharing[];
}

/** Namespace of everything that needs privileged access to GPUs. */
export const GPU_NAMESPACE = "gpu-system";

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateDevicePluginArgs({ software, sharing }: DevicePluginArgs): void {
  if (software === "device-plugin" && sharing.some(({ kind }) => kind === "mig"))
    throw new pulumi.InputPropertyError({
      propertyPath: "software",
      reason: "partitioning a GPU (MIG) needs 'gpu-operator': the plugin alone does not create partitions",
    });
}

/** The device plugin's configurations: GPUs as they are, and one for each number of time slices in use. */
export function devicePluginConfigs(sharing: readonly GpuSharing[]): Record<string, string> {
  const configs: Record<string, string> = { default: JSON.stringify({ version: "v1" }) };
  for (const entry of sharing)
    if (entry.kind === "time-slicing")
      configs[timeSlicingConfigName(entry.replicas)] = JSON.stringify({
        version: "v1",
        sharing: {
          timeSlicing: {
            failRequestsGreaterThanOne: true,
            resources: [{ name: "nvidia.com/gpu", replicas: entry.replicas }],
          },
        },
      });
  return configs;
}

/** Makes GPUs schedulable and measurable. */
export class DevicePlugin extends LlmopsComponent {
  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: DevicePluginArgs, opts: ComponentOptions) {
    validateDevicePluginArgs(args);
    super("gpu", "DevicePlugin", name, opts);
    const namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: GPU_NAMESPACE,
          labels: {
            ...podSecurityLabels("privileged"),
          },
        },
      },
      { parent: this },
    );
    const inside = { parent: this, dependsOn: namespace };
    const configs = devicePluginConfigs(args.sharing);
    switch (args.software) {
      case "device-plugin":
        new HelmAddon(
          this.childName("plugin"),
          {
            chart: "nvidia-device-plugin",
            namespace: GPU_NAMESPACE,
            values: { config: { default: "default", map: configs } },
          },
          inside,
        );
        new HelmAddon(
          this.childName("metrics"),
          { chart: "dcgm-exporter", namespace: GPU_NAMESPACE },
          inside,
        );
        break;
      case "gpu-operator":
        new k8s.core.v1.ConfigMap(
          this.childName("plugin-config"),
          { metadata: { name: "device-plugin-config", namespace: GPU_NAMESPACE }, data: configs },
          inside,
        );
        new HelmAddon(
          this.childName("operator"),
          {
            chart: "gpu-operator",
            namespace: GPU_NAMESPACE,
            values: {
              mig: { strategy: "single" },
              migManager: { enabled: args.sharing.some(({ kind }) => kind === "mig") },
            },
          },
          inside,
        );
        break;
    }
    this.registerOutputs({ software: args.software });
  }
}
