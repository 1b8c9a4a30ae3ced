import * as aws from "../../components/sdk/aws.ts";
import { AwsDocumentVault } from "../../components/audit/aws-document-vault.ts";
import { AwsAuditReplica } from "../../components/audit/aws-replica.ts";
import { AwsAuditStore } from "../../components/audit/aws-store.ts";
import { AwsSubjectKeys } from "../../components/audit/aws-subject-keys.ts";
import { AwsAuditTrail } from "../../components/audit/aws-trail.ts";
import { GATEWAY_ACCOUNT, GATEWAY_NAMESPACE } from "../../components/gateway/address.ts";
import { AwsBudget } from "../../components/finops/aws-budget.ts";
import { EFS_DRIVER } from "../../components/cluster/eks-addons.ts";
import { EksRole } from "../../components/cluster/eks-role.ts";
import { EksCluster } from "../../components/cluster/eks.ts";
import { ClusterAutoscaler } from "../../components/gpu/cluster-autoscaler.ts";
import { DevicePlugin } from "../../components/gpu/device-plugin.ts";
import { EksGpuNodeGroups } from "../../components/gpu/eks-node-groups.ts";
import { machinesName, type GpuPool } from "../../components/gpu/gpu-pool.ts";
import { KarpenterGpuPool } from "../../components/gpu/karpenter-pool.ts";
import { Karpenter } from "../../components/gpu/karpenter.ts";
import { AwsNetwork } from "../../components/network/aws.ts";
import { POD_IDENTITY_AGENT } from "../../components/storage/aws-object-store.ts";
import type { PlatformConfig } from "../schema/platform.ts";
import { awsServices } from "./aws-services.ts";
import type { CloudEnvironment } from "./environment.ts";
import { gpuPoolsOf } from "./gpu-pools.ts";
import { cloudWatchRetentionDays } from "./log-retention.ts";

type AwsCloud = Extract<PlatformConfig["cloud"], { provider: "aws" }>;

/** Everything the parts of one cluster share. */
interface ClusterContext {
  readonly name: string;
  readonly cloud: AwsCloud;
  readonly network: AwsNetwork;
  readonly cluster: EksCluster;
  readonly provider: aws.Provider;
  readonly tags: Readonly<Record<string, string>>;
}

/** Network, EKS cluster, audit storage and GPU pools of an environment on AWS. */
export function awsCluster(name: string, cloud: AwsCloud, config: PlatformConfig): CloudEnvironment {
  const tags = {
    "llmops:client": config.client,
    "llmops:environment": config.environment,
    ...(config.site === undefined ? {} : { "llmops:site": config.site }),
    "llmops:risk-class": config.riskClass.level,
    "llmops:cost-owner": config.budget.owner,
  };
  const provider = new aws.Provider(`${name}-aws`, {
    region: cloud.region,
    allowedAccountIds: [cloud.accountId],
  });
  const network = new AwsNetwork(
    `${name}-network`,
    {
      clusterName: name,
      accountId: cloud.accountId,
      region: cloud.region,
      zones: cloud.zones,
      tags,
      ...cloud.network,
    },
    { providers: { aws: provider } },
  );
  const cluster = new EksCluster(
    `${name}-cluster`,
    {
      clusterName: name,
      accountId: cloud.accountId,
      region: cloud.region,
      version: cloud.cluster.version,
      endpoint: cloud.cluster.endpoint,
      access: cloud.cluster.access,
      systemNodes: cloud.cluster.systemNodes,
      addonVersions: cloud.cluster.addonVersions,
      ...(cloud.cluster.systemNodesVersion === undefined
        ? {}
        : { systemNodesVersion: cloud.cluster.systemNodesVersion }),
      deletionProtection: cloud.cluster.deletionProtection === "on",
      subnetIds: network.privateSubnetIds,
      logRetentionDays: cloudWatchRetentionDays(config.audit.retentionDays),
      nodesDependOn: network.routes,
      tags,
    },
    { providers: { aws: provider } },
  );
  const store = new AwsAuditStore(
    `${name}-audit`,
    {
      prefix: name,
      accountId: cloud.accountId,
      region: cloud.region,
      retention: { days: config.audit.retentionDays, immutability: config.audit.objectLock },
      tags,
    },
    { providers: { aws: provider } },
  );
  const identity = new aws.eks.PodIdentityAssociation(
    `${name}-gateway-identity`,
    {
      clusterName: name,
      namespace: GATEWAY_NAMESPACE,
      serviceAccount: GATEWAY_ACCOUNT,
      roleArn: store.writer.role.arn,
      tags,
    },
    { provider, dependsOn: [...store.writer.attachments, cluster.provider] },
  );
  new AwsAuditTrail(
    `${name}-audit-trail`,
    {
      prefix: name,
      accountId: cloud.accountId,
      region: cloud.region,
      watched: store.bucketName,
      retentionDays: config.audit.retentionDays,
      tags,
    },
    { providers: { aws: provider } },
  );
  if (config.audit.replica !== undefined)
    new AwsAuditReplica(
      `${name}-audit-replica`,
      {
        prefix: name,
        source: store.bucket,
        sourceKeyArn: store.keyArn,
        destinationArn: config.audit.replica.bucketArn,
        destinationKeyArn: config.audit.replica.keyArn,
        tags,
      },
      { providers: { aws: provider } },
    );
  const { vault } = config.documentation;
  if (vault.kind === "locked")
    new AwsDocumentVault(
      `${name}-documents`,
      {
        prefix: name,
        accountId: cloud.accountId,
        region: cloud.region,
        retention: { days: vault.retentionDays, immutability: "compliance" },
        tags,
      },
      { providers: { aws: provider } },
    );
  if (config.budget.alarm.kind === "cloud")
    new AwsBudget(
      `${name}-budget`,
      {
        budgetName: name,
        monthlyUsd: config.budget.monthly * config.budget.usdPerUnit,
        emails: config.budget.alarm.emails,
        accountId: cloud.accountId,
        region: cloud.region,
        costTags: {
          "llmops:client": config.client,
          "llmops:environment": config.environment,
          ...(config.site === undefined ? {} : { "llmops:site": config.site }),
        },
        tags,
      },
      { providers: { aws: provider } },
    );
  const subjectKeys =
    config.audit.content === "none"
      ? undefined
      : new AwsSubjectKeys(
          `${name}-subject-keys`,
          { prefix: name, accountId: cloud.accountId, writer: store.writer.role, tags },
          { providers: { aws: provider } },
        );
  const context = { name, cloud, network, cluster, provider, tags };
  const pools = (provisioner: "karpenter" | "node-group"): GpuPool[] =>
    config.gpuPools
      .filter((pool) => pool.provisioner === provisioner)
      .flatMap((pool) => gpuPoolsOf(pool, "aws", cloud.zones));
  karpenterPools(context, pools("karpenter"));
  nodeGroupPools(context, pools("node-group"));
  if (config.gpuPools.length > 0)
    new DevicePlugin(
      `${name}-gpu-software`,
      { software: cloud.cluster.gpuSoftware, sharing: config.gpuPools.map((pool) => pool.sharing) },
      { providers: { kubernetes: cluster.provider } },
    );
  return {
    cluster,
    services: awsServices({
      name,
      accountId: cloud.accountId,
      region: cloud.region,
      vpcCidr: cloud.network.cidr,
      network,
      cluster,
      fileDriverVersion: cloud.cluster.addonVersions[EFS_DRIVER],
      provider,
      tags,
    }),
    audit: {
      bucket: { kind: "s3", bucket: store.bucketName, region: cloud.region },
      serviceAccountAnnotations: {},
      identity: [POD_IDENTITY_AGENT],
      ready: [identity, ...(subjectKeys === undefined ? [] : [subjectKeys.access])],
      ...(subjectKeys === undefined
        ? {}
        : { subjectKeys: { kind: "s3", bucket: subjectKeys.bucketName, region: cloud.region } }),
    },
  };
}

function karpenterPools(context: ClusterContext, pools: readonly GpuPool[]): void {
  if (pools.length === 0) return;
  const { name, cloud, cluster, provider, tags } = context;
  const providers = { aws: provider, kubernetes: cluster.provider };
  const karpenter = new Karpenter(
    `${name}-karpenter`,
    { clusterName: name, accountId: cloud.accountId, region: cloud.region, tags },
    { providers, dependsOn: cluster.provider },
  );
  for (const pool of pools)
    new KarpenterGpuPool(
      `${name}-gpu-${machinesName(pool)}`,
      { clusterName: name, pool, nodeRoleName: karpenter.nodeRoleName, tags },
      { providers, dependsOn: karpenter.chart },
    );
}

function nodeGroupPools(context: ClusterContext, pools: readonly GpuPool[]): void {
  if (pools.length === 0) return;
  const { name, cloud, network, cluster, provider, tags } = context;
  const role = new EksRole(
    `${name}-gpu-nodes`,
    {
      roleName: `${name}-gpu-nodes`,
      principal: "ec2.amazonaws.com",
      managedPolicies: ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
      tags,
    },
    { providers: { aws: provider } },
  );
  for (const pool of pools)
    new EksGpuNodeGroups(
      `${name}-gpu-${machinesName(pool)}`,
      {
        clusterName: name,
        pool,
        nodeRoleArn: role.role.arn,
        subnetIds: pool.zones.flatMap((zone) => network.privateSubnetByZone.get(zone) ?? []),
        tags,
      },
      { providers: { aws: provider }, dependsOn: [...role.attachments, ...cluster.nodesDependOn] },
    );
  new ClusterAutoscaler(
    `${name}-autoscaler`,
    { clusterName: name, region: cloud.region, pools, tags },
    { providers: { aws: provider, kubernetes: cluster.provider }, dependsOn: cluster.provider },
  );
}
