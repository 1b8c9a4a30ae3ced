import * as gcp from "../../components/sdk/gcp.ts";
import type { GkeCluster } from "../../components/cluster/gke.ts";
import { GcpEntry } from "../../components/entry/gcp-entry.ts";
import { workloadPrincipal } from "../../components/cluster/workload-principal.ts";
import { MONITORING_NAMESPACE, PROMETHEUS_ACCOUNT } from "../../components/observability/address.ts";
import type { GcpNetwork } from "../../components/network/gcp.ts";
import { belowPrefix, BUCKET_READER_ROLE } from "../../components/storage/gcp-bucket-reader.ts";
import { GcpObjectStore, METADATA_SERVER } from "../../components/storage/gcp-object-store.ts";
import { GcpSharedFiles } from "../../components/storage/gcp-shared-files.ts";
import type { CloudServices } from "./environment.ts";

/** Where pods of a GKE cluster get buckets and metrics from. */
export interface GcpServicesArgs {
  readonly name: string;
  readonly projectId: string;
  readonly projectNumber: string;
  readonly region: string;
  readonly network: GcpNetwork;
  readonly cluster: GkeCluster;
  readonly provider: gcp.Provider;
  readonly labels: Readonly<Record<string, string>>;
}

/** What Google Cloud can give the pods of an environment; nothing is created until it is asked for. */
export function gcpServices({
  name,
  projectId,
  projectNumber,
  region,
  network,
  cluster,
  provider,
  labels,
}: GcpServicesArgs): CloudServices {
  const project = { projectId, projectNumber };
  return {
    objectStore: (spec) =>
      new GcpObjectStore(
        `${name}-${spec.purpose}-store`,
        { prefix: name, ...project, region, cluster: cluster.cluster, labels, ...spec },
        { providers: { gcp: provider } },
      ).store,
    bucketReader: ({ name: reader, namespace, serviceAccount, ...objects }) => {
      const condition = belowPrefix(objects);
      const member = new gcp.storage.BucketIAMMember(
        `${name}-${reader}-reader`,
        {
          bucket: objects.bucket,
          role: BUCKET_READER_ROLE,
          member: workloadPrincipal({ ...project, namespace, serviceAccount }),
          ...(condition === undefined ? {} : { condition }),
        },
        { provider, dependsOn: cluster.cluster },
      );
      return { identity: METADATA_SERVER, ready: [member] };
    },
    entry: (spec) => {
      const { proxies, subnetwork } = network;
      if (proxies === undefined) throw new RangeError("cloud.network.proxyCidr is missing");
      return new GcpEntry(
        `${name}-entry`,
        { ...spec, prefix: name, projectId, region, subnetworkId: subnetwork.id, proxies, labels },
        { providers: { gcp: provider, kubernetes: cluster.provider } },
      );
    },
    sharedFiles: () =>
      new GcpSharedFiles(
        `${name}-shared-files`,
        { prefix: name, ...project, region, networkName: network.network.name, labels },
        { providers: { gcp: provider, kubernetes: cluster.provider } },
      ).files,
    managedMetrics: (metrics) => {
      if (metrics.kind !== "google-managed")
        throw new RangeError(`Google Cloud has no ${metrics.kind} metrics`);
      const writer = new gcp.projects.IAMMember(
        `${name}-metric-writer`,
        {
          project: projectId,
          role: "roles/monitoring.metricWriter",
          member: workloadPrincipal({
            ...project,
            namespace: MONITORING_NAMESPACE,
            serviceAccount: PROMETHEUS_ACCOUNT,
          }),
        },
        { provider, dependsOn: cluster.cluster },
      );
      const { image, series } = metrics;
      return { kind: "google-managed", image, projectId, location: region, series, ready: [writer] };
    },
  };
}
