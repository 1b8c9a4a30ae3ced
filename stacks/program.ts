import type * as pulumi from "@pulumi/pulumi";
import { Tenant } from "../components/tenancy/tenant.ts";
import { awsCluster } from "./clouds/aws.ts";
import { existingCluster } from "./clouds/existing.ts";
import type { CloudEnvironment } from "./clouds/environment.ts";
import { gcpCluster } from "./clouds/gcp.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { admission } from "./admission.ts";
import { deployAlerts, deployDriftJob } from "./alerts.ts";
import { clusterServices } from "./cluster-services.ts";
import { deployCostAccounting } from "./cost-accounting.ts";
import { deployDashboards } from "./dashboards.ts";
import { deployEntry } from "./entry.ts";
import { deployEvaluations, deployTracking } from "./evaluation.ts";
import { deployGateway } from "./gateway.ts";
import { deployLoops } from "./loops.ts";
import { takeFromMirror } from "./registry-mirror.ts";
import { serving } from "./serving.ts";
import { deployTelemetry, engineSpans } from "./telemetry.ts";

/** What a stack exports. */
export interface PlatformOutputs {
  readonly client: string;
  readonly environment: string;
  /** Absent for the local environment, which has no cluster. */
  readonly clusterName?: string;
  /** Namespaces of the tenants. */
  readonly namespaces: readonly string[];
  /** What an auditor verifies the log's checkpoints with, PEM; absent without a gateway. */
  readonly auditPublicKey?: pulumi.Output<string>;
  /** Address or name of the entry's load balancer; absent without an entry. */
  readonly entryAddress?: pulumi.Output<string>;
}

function cloudOf(name: string, config: PlatformConfig): CloudEnvironment | undefined {
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

/** Prefix of every resource's name: client and stage, and the site where there are several. */
export function environmentName({
  client,
  environment,
  site,
}: Pick<PlatformConfig, "client" | "environment" | "site">): string {
  return [client, environment, ...(site === undefined ? [] : [site])].join("-");
}

/** Creates everything one environment consists of. A local environment is a process (`npm start`), not resources. */
export function platformProgram(config: PlatformConfig): PlatformOutputs {
  const name = environmentName(config);
  const { client, environment, registryMirror } = config;
  if (registryMirror !== undefined) takeFromMirror(registryMirror);
  const environmentCloud = cloudOf(name, config);
  if (environmentCloud === undefined) return { client, environment, namespaces: [] };
  const { cluster, audit, services } = environmentCloud;
  const tenants = config.tenancy.tenants.map(
    ({ name: namespace, ...quota }) =>
      new Tenant(
        `${name}-tenant-${namespace}`,
        {
          namespace,
          ...quota,
          telemetry: engineSpans(config) === "on" ? "sends" : "none",
          labels: { "llmops.io/client": client, "llmops.io/environment": environment },
        },
        { providers: { kubernetes: cluster.provider } },
      ),
  );
  const base = clusterServices(name, config, cluster, services);
  const gateway = base === undefined ? undefined : deployGateway(name, config, { cluster, audit, ...base });
  const entry = gateway === undefined ? undefined : deployEntry(config, gateway.gateway, services);
  const tracking = deployTracking(name, config, { cluster, services });
  if (base !== undefined) {
    deployAlerts(name, config, cluster, base);
    deployLoops(name, config, cluster, { ...base, tracking });
    deployDashboards(name, config, cluster, base);
    deployCostAccounting(name, config, cluster, base);
    deployTelemetry(name, config, cluster, base, services);
    serving(name, config, { cluster, tenants, audit, services, ...base });
    deployEvaluations(name, config, cluster, { ...base, tracking });
  }
  deployDriftJob(name, config, cluster, tracking);
  admission(name, config, cluster);
  return {
    client,
    environment,
    clusterName: cluster.clusterName,
    namespaces: tenants.map((tenant) => tenant.namespaceName),
    ...(gateway === undefined ? {} : { auditPublicKey: gateway.publicKeyPem }),
    ...(entry === undefined ? {} : { entryAddress: entry.address }),
  };
}
