import type * as aws from "../../components/sdk/aws.ts";
import { fittingRoleName } from "../../components/cluster/eks-role.ts";
import type { EksCluster } from "../../components/cluster/eks.ts";
import { AwsEntry } from "../../components/entry/aws-entry.ts";
import type { AwsNetwork } from "../../components/network/aws.ts";
import { AmazonWorkspace } from "../../components/observability/metrics/amazon-workspace.ts";
import { PodIdentity } from "../../components/cluster/pod-identity.ts";
import { bucketReaderPolicy } from "../../components/storage/aws-bucket-reader.ts";
import { AwsObjectStore, POD_IDENTITY_AGENT } from "../../components/storage/aws-object-store.ts";
import { AwsSharedFiles } from "../../components/storage/aws-shared-files.ts";
import type { CloudServices } from "./environment.ts";

/** Where pods of an EKS cluster get buckets and metrics from. */
export interface AwsServicesArgs {
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  /** Range of the VPC. */
  readonly vpcCidr: string;
  readonly network: AwsNetwork;
  readonly cluster: EksCluster;
  /** Version of the driver of shared files. @default EKS's own */
  readonly fileDriverVersion: string | undefined;
  readonly provider: aws.Provider;
  readonly tags: Readonly<Record<string, string>>;
}

/** What AWS can give the pods of an environment; nothing is created until it is asked for. */
export function awsServices({
  name,
  accountId,
  region,
  vpcCidr,
  network,
  cluster,
  fileDriverVersion,
  provider,
  tags,
}: AwsServicesArgs): CloudServices {
  const own = { prefix: name, accountId, region, clusterName: name, tags };
  // An association needs the cluster.
  const opts = { providers: { aws: provider }, dependsOn: cluster.provider };
  return {
    objectStore: (spec) =>
      new AwsObjectStore(`${name}-${spec.purpose}-store`, { ...own, ...spec }, opts).store,
    bucketReader: ({ name: reader, namespace, serviceAccount, ...objects }) => {
      const { association } = new PodIdentity(
        `${name}-${reader}-reader`,
        {
          clusterName: name,
          namespace,
          serviceAccount,
          roleName: fittingRoleName(`${name}-${reader}`),
          inlinePolicy: bucketReaderPolicy(objects),
          tags,
        },
        opts,
      );
      return { identity: [POD_IDENTITY_AGENT], ready: [association] };
    },
    entry: (spec) =>
      new AwsEntry(
        `${name}-entry`,
        {
          ...spec,
          ...own,
          vpcId: network.vpcId,
          vpcCidr,
          subnetIds: network.publicSubnetIds,
          clusterSecurityGroupId: cluster.cluster.vpcConfig.clusterSecurityGroupId,
        },
        { providers: { aws: provider, kubernetes: cluster.provider }, dependsOn: cluster.provider },
      ),
    sharedFiles: (spec) =>
      new AwsSharedFiles(
        `${name}-shared-files`,
        {
          ...own,
          ...spec,
          vpcId: network.vpcId,
          subnetByZone: network.privateSubnetByZone,
          nodeSecurityGroupId: cluster.cluster.vpcConfig.clusterSecurityGroupId,
          ...(fileDriverVersion === undefined ? {} : { driverVersion: fileDriverVersion }),
        },
        { providers: { aws: provider, kubernetes: cluster.provider }, dependsOn: cluster.provider },
      ).files,
    managedMetrics: (metrics) => {
      if (metrics.kind !== "amazon-managed") throw new RangeError(`AWS has no ${metrics.kind} metrics`);
      const { url, ready } = new AmazonWorkspace(`${name}-prometheus`, own, opts);
      const { series, queue } = metrics;
      return {
        kind: "remote-write",
        url,
        authorization: { kind: "sigv4", region },
        series,
        queue,
        ready,
      };
    },
  };
}
