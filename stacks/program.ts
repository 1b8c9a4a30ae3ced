import type { ClusterHandle } from "../components/cluster/handle.ts";
import { Tenant } from "../components/tenancy/tenant.ts";
import { awsCluster } from "./clouds/aws.ts";
import { existingCluster } from "./clouds/existing.ts";
import { gcpCluster } from "./clouds/gcp.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { serving } from "./serving.ts";

/** What a stack exports. */
export interface PlatformOutputs {
  readonly client: string;
  readonly environment: string;
  /** Absent for the local environment, which has no cluster. */
  readonly clusterName?: string;
  /** Namespaces of the tenants. */
  readonly namespaces: readonly string[];
}

function clusterOf(name: string, config: PlatformConfig): ClusterHandle | undefined {
  const { cloud } = config;
  switch (cloud.provider) {
    case "aws":
      return awsCluster(name, cloud, config);
    case "gcp":
      return gcpCluster(name, cloud, config);
    case "existing":
      return existingCluster(name, cloud, config);
    case "local":
      return undefined;
  }
}

/** Creates everything one environment consists of. A local environment is a process (`npm start`), not resources. */
export function platformProgram(config: PlatformConfig): PlatformOutputs {
  const name = `${config.client}-${config.environment}`;
  const { client, environment } = config;
  const cluster = clusterOf(name, config);
  if (cluster === undefined) return { client, environment, namespaces: [] };
  const tenants = config.tenancy.tenants.map(
    ({ name: namespace, ...quota }) =>
      new Tenant(
        `${name}-tenant-${namespace}`,
        {
          namespace,
          ...quota,
          labels: { "llmops.io/client": client, "llmops.io/environment": environment },
        },
        { providers: { kubernetes: cluster.provider } },
      ),
  );
  serving(name, config, cluster, tenants);
  return {
    client,
    environment,
    clusterName: cluster.clusterName,
    namespaces: tenants.map((tenant) => tenant.namespaceName),
  };
}
