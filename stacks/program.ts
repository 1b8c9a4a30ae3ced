import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import { Tenant } from "../components/tenancy/tenant.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** What a stack exports. */
export interface PlatformOutputs {
  readonly client: string;
  readonly environment: string;
  /** Namespaces of the tenants. */
  readonly namespaces: readonly string[];
}

/** The provider has no components yet. */
export class UnsupportedProviderError extends Error {
  override readonly name = "UnsupportedProviderError";
}

function clusterProvider(cloud: PlatformConfig["cloud"], name: string): k8s.Provider {
  if (cloud.provider !== "existing")
    throw new UnsupportedProviderError(
      `cloud.provider = "${cloud.provider}": no components are built for it yet; only "existing" can be planned`,
    );
  return new k8s.Provider(`${name}-cluster`, {
    kubeconfig: readFileSync(cloud.kubeconfigPath, "utf8"),
    enableServerSideApply: true,
    ...(cloud.context === undefined ? {} : { context: cloud.context }),
  });
}

/** Creates everything one environment consists of. */
export function platformProgram(config: PlatformConfig): PlatformOutputs {
  const name = `${config.client}-${config.environment}`;
  const provider = clusterProvider(config.cloud, name);
  const tenants = config.tenancy.tenants.map(
    ({ name: namespace, ...quota }) =>
      new Tenant(
        `${name}-tenant-${namespace}`,
        {
          namespace,
          ...quota,
          labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
        },
        { providers: { kubernetes: provider } },
      ),
  );
  return {
    client: config.client,
    environment: config.environment,
    namespaces: tenants.map((tenant) => tenant.namespaceName),
  };
}
