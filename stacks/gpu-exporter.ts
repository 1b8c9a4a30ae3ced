import type { GpuExporter } from "../components/observability/monitoring.ts";
import type { PlatformConfig } from "./schema/platform.ts";

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
