import * as gcp from "../../components/sdk/gcp.ts";
import { GcpDocumentVault } from "../../components/audit/gcp-document-vault.ts";
import { GcpAuditStore } from "../../components/audit/gcp-store.ts";
import { GcpSubjectKeys } from "../../components/audit/gcp-subject-keys.ts";
import { GATEWAY_ACCOUNT, GATEWAY_NAMESPACE } from "../../components/gateway/address.ts";
import { GcpBudget } from "../../components/finops/gcp-budget.ts";
import { GkeCluster } from "../../components/cluster/gke.ts";
import { machinesName } from "../../components/gpu/gpu-pool.ts";
import { GkeGpuPool, type GkeSelection } from "../../components/gpu/gke-pool.ts";
import { GcpNetwork } from "../../components/network/gcp.ts";
import { METADATA_SERVER } from "../../components/storage/gcp-object-store.ts";
import type { PlatformConfig } from "../schema/platform.ts";
import type { CloudEnvironment } from "./environment.ts";
import { gcpServices } from "./gcp-services.ts";
import { gpuPoolsOf, type PoolConfig } from "./gpu-pools.ts";

type GcpCloud = Extract<PlatformConfig["cloud"], { provider: "gcp" }>;

function selectionOf(pool: PoolConfig): GkeSelection {
  return pool.provisioner === "compute-class" ? "compute-class" : "node-pool";
}

/** Network, GKE cluster, audit storage and GPU pools of an environment on Google Cloud. */
export function gcpCluster(name: string, cloud: GcpCloud, config: PlatformConfig): CloudEnvironment {
  const labels = {
    "llmops-client": config.client,
    "llmops-environment": config.environment,
    ...(config.site === undefined ? {} : { "llmops-site": config.site }),
    "llmops-risk-class": config.riskClass.level,
  };
  const provider = new gcp.Provider(`${name}-gcp`, {
    project: cloud.projectId,
    region: cloud.region,
    // Budgets belong to no project: called by a person, their API asks which one the call counts for.
    // https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/billing_budget
    billingProject: cloud.projectId,
    userProjectOverride: true,
  });
  const { controlPlaneCidr, proxyCidr, ...ranges } = cloud.network;
  const network = new GcpNetwork(
    `${name}-network`,
    {
      clusterName: name,
      projectId: cloud.projectId,
      region: cloud.region,
      ...ranges,
      ...(proxyCidr === undefined ? {} : { proxyCidr }),
    },
    { providers: { gcp: provider } },
  );
  const cluster = new GkeCluster(
    `${name}-cluster`,
    {
      clusterName: name,
      projectId: cloud.projectId,
      projectNumber: cloud.projectNumber,
      region: cloud.region,
      zones: cloud.zones,
      releaseChannel: cloud.cluster.releaseChannel,
      endpoint: cloud.cluster.endpoint,
      controlPlaneCidr,
      systemNodes: cloud.cluster.systemNodes,
      gatewayApi: config.gateway.entry.kind === "none" ? "off" : "standard",
      deletionProtection: cloud.cluster.deletionProtection === "on",
      sharedFiles: config.models.some(({ cache }) => cache.kind === "shared") ? "filestore" : "none",
      networkId: network.network.id,
      subnetworkId: network.subnetwork.id,
      labels,
      nodesDependOn: [network.nat],
    },
    { providers: { gcp: provider } },
  );
  const store = new GcpAuditStore(
    `${name}-audit`,
    {
      prefix: name,
      projectId: cloud.projectId,
      projectNumber: cloud.projectNumber,
      region: cloud.region,
      retention: { days: config.audit.retentionDays, immutability: config.audit.objectLock },
      labels,
    },
    { providers: { gcp: provider } },
  );
  const identity = new gcp.serviceaccount.IAMMember(
    `${name}-gateway-identity`,
    {
      serviceAccountId: store.writer.name,
      role: "roles/iam.workloadIdentityUser",
      member: `serviceAccount:${cloud.projectId}.svc.id.goog[${GATEWAY_NAMESPACE}/${GATEWAY_ACCOUNT}]`,
    },
    { provider, dependsOn: cluster.cluster },
  );
  const { vault } = config.documentation;
  if (vault.kind === "locked")
    new GcpDocumentVault(
      `${name}-documents`,
      {
        prefix: name,
        projectId: cloud.projectId,
        projectNumber: cloud.projectNumber,
        region: cloud.region,
        retention: { days: vault.retentionDays, immutability: "compliance" },
        labels,
      },
      { providers: { gcp: provider } },
    );
  const { alarm } = config.budget;
  if (alarm.kind === "cloud" && alarm.billingAccount !== undefined)
    new GcpBudget(
      `${name}-budget`,
      {
        budgetName: name,
        projectId: cloud.projectId,
        projectNumber: cloud.projectNumber,
        billingAccount: alarm.billingAccount,
        monthly: config.budget.monthly,
        currency: config.budget.currency,
        emails: alarm.emails,
      },
      { providers: { gcp: provider } },
    );
  const subjectKeys =
    config.audit.content === "none"
      ? undefined
      : new GcpSubjectKeys(
          `${name}-subject-keys`,
          {
            prefix: name,
            projectId: cloud.projectId,
            region: cloud.region,
            writerEmail: store.writerEmail,
            labels,
          },
          { providers: { gcp: provider }, dependsOn: store.writer },
        );
  const pools = config.gpuPools.flatMap((pool) =>
    gpuPoolsOf(pool, "gcp", cloud.zones).map((machines) => ({ machines, selection: selectionOf(pool) })),
  );
  for (const { machines, selection } of pools)
    new GkeGpuPool(
      `${name}-gpu-${machinesName(machines)}`,
      {
        clusterName: cluster.cluster.name,
        projectId: cloud.projectId,
        region: cloud.region,
        pool: machines,
        selection,
        serviceAccount: cluster.nodeServiceAccount.email,
        labels,
      },
      { providers: { gcp: provider, kubernetes: cluster.provider }, dependsOn: [...cluster.nodesDependOn] },
    );
  return {
    cluster,
    services: gcpServices({
      name,
      projectId: cloud.projectId,
      projectNumber: cloud.projectNumber,
      region: cloud.region,
      network,
      cluster,
      provider,
      labels,
    }),
    audit: {
      bucket: { kind: "gcs", bucket: store.bucketName },
      serviceAccountAnnotations: { "iam.gke.io/gcp-service-account": store.writerEmail },
      identity: METADATA_SERVER,
      ready: [identity, ...(subjectKeys === undefined ? [] : [subjectKeys.access])],
      ...(subjectKeys === undefined ? {} : { subjectKeys: { kind: "gcs", bucket: subjectKeys.bucketName } }),
    },
  };
}
