import { readFileSync } from "node:fs";
import { ExistingCluster } from "../../components/cluster/existing.ts";
import { DevicePlugin } from "../../components/gpu/device-plugin.ts";
import type { PlatformConfig } from "../schema/platform.ts";
import type { CloudEnvironment } from "./environment.ts";

type ExistingCloud = Extract<PlatformConfig["cloud"], { provider: "existing" }>;

/** The kubeconfig of an existing cluster cannot be read. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

function readKubeconfig(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new KubeconfigError(
      `cloud.kubeconfigPath = "${path}": ${(error as Error).message}; write the path of a kubeconfig that exists on this machine`,
    );
  }
}

/** A cluster somebody else created, with GPU software where the configuration asks for it. */
export function existingCluster(
  name: string,
  cloud: ExistingCloud,
  config: PlatformConfig,
): CloudEnvironment {
  const cluster = new ExistingCluster(`${name}-cluster`, {
    clusterName: cloud.clusterName,
    kubeconfig: readKubeconfig(cloud.kubeconfigPath),
    ...(cloud.context === undefined ? {} : { context: cloud.context }),
  });
  if (cloud.gpuSoftware !== "managed")
    new DevicePlugin(
      `${name}-gpu-software`,
      { software: cloud.gpuSoftware, sharing: config.gpuPools.map((pool) => pool.sharing) },
      { providers: { kubernetes: cluster.provider } },
    );
  return {
    cluster,
    audit: {
      bucket: { kind: "local" },
      ...(config.audit.content === "none" ? {} : { subjectKeys: { kind: "local" } }),
      serviceAccountAnnotations: {},
      identity: [],
      ready: [],
    },
  };
}
