import * as gcp from "../sdk/gcp.ts";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { GcpKey } from "../encryption/gcp-key.ts";
import { PODS_RANGE, SERVICES_RANGE } from "../network/gcp.ts";
import { SYSTEM_NODE_LABEL, type ClusterEndpoint, type ClusterHandle, type SystemNodes } from "./handle.ts";
import { tokenKubeconfig } from "./kubeconfig.ts";
import { validateManagedClusterArgs } from "./validate.ts";

/** A GKE cluster. */
export interface GkeClusterArgs {
  /** Physical name and prefix of all others, at most 24 characters (service account ids have 30). */
  readonly clusterName: string;
  readonly projectId: string;
  /** Number of the project; part of the name of Google's service agents. */
  readonly projectNumber: string;
  readonly region: string;
  /** Zones of the nodes. */
  readonly zones: readonly string[];
  readonly releaseChannel: "REGULAR" | "STABLE" | "EXTENDED";
  readonly endpoint: ClusterEndpoint;
  /** /28 of the control plane. */
  readonly controlPlaneCidr: string;
  readonly systemNodes: SystemNodes;
  readonly networkId: pulumi.Input<string>;
  readonly subnetworkId: pulumi.Input<string>;
  /** Whether GKE makes load balancers from Gateways. */
  readonly gatewayApi: "standard" | "off";
  /** Whether the provider refuses to delete the cluster. @default true */
  readonly deletionProtection?: boolean;
  /** Driver of volumes that pods on many nodes write to. @default "none" */
  readonly sharedFiles?: "none" | "filestore";
  readonly labels: Readonly<Record<string, string>>;
  /** What nodes need before they can start, for example the NAT. */
  readonly nodesDependOn: readonly pulumi.Resource[];
}

/**
 * Longest cluster name that leaves room for `-nodes` in a service account id of 30 characters.
 * @see https://cloud.google.com/iam/docs/service-accounts-create
 */
const CLUSTER_NAME_LENGTH = 24;

/** Logs of the control plane and the workloads. Source: https://cloud.google.com/kubernetes-engine/docs/concepts/about-logs */
const LOG_COMPONENTS = [
  "SYSTEM_COMPONENTS",
  "WORKLOADS",
  "APISERVER",
  "SCHEDULER",
  "CONTROLLER_MANAGER",
] as const;

/** Least privilege for a node: write logs and metrics, pull images. */
const NODE_ROLES = ["roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"] as const;

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateGkeClusterArgs(args: GkeClusterArgs): void {
  validateManagedClusterArgs(args, CLUSTER_NAME_LENGTH);
  if (!args.controlPlaneCidr.endsWith("/28"))
    throw new pulumi.InputPropertyError({
      propertyPath: "controlPlaneCidr",
      reason: `${args.controlPlaneCidr} is not a /28`,
    });
}

/** Kubeconfig that asks `gke-gcloud-auth-plugin` for a token. */
export function gkeKubeconfig(clusterName: string, endpoint: string, certificateAuthority: string): string {
  return tokenKubeconfig(clusterName, `https://${endpoint}`, certificateAuthority, {
    command: "gke-gcloud-auth-plugin",
    provideClusterInfo: true,
  });
}

/**
 * Regional GKE cluster with private nodes, Workload Identity, Dataplane V2, secrets under a customer-managed key, and a
 * pool of nodes without GPUs.
 */
export class GkeCluster extends LlmopsComponent implements ClusterHandle {
  readonly clusterName: string;
  readonly provider: k8s.Provider;
  readonly cluster: gcp.container.Cluster;
  /** Service account of every node. */
  readonly nodeServiceAccount: gcp.serviceaccount.Account;
  /** What nodes need before they can start; every further node pool depends on them. */
  readonly nodesDependOn: readonly pulumi.Resource[];
  /** Secret: ready for `kubectl`. */
  readonly kubeconfig: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GkeClusterArgs, opts?: ComponentOptions) {
    validateGkeClusterArgs(args);
    super("cluster", "GkeCluster", name, opts);
    this.clusterName = args.clusterName;
    this.nodeServiceAccount = new gcp.serviceaccount.Account(
      this.childName("nodes"),
      {
        accountId: `${args.clusterName}-nodes`,
        displayName: `Nodes of ${args.clusterName}`,
        project: args.projectId,
      },
      { parent: this },
    );
    const grants = NODE_ROLES.map(
      (role) =>
        new gcp.projects.IAMMember(
          this.childName(`nodes-${role.split(/[./]/).at(-1) ?? role}`),
          {
            project: args.projectId,
            role,
            member: pulumi.interpolate`serviceAccount:${this.nodeServiceAccount.email}`,
          },
          { parent: this },
        ),
    );
    this.nodesDependOn = [...args.nodesDependOn, ...grants];
    this.cluster = this.#controlPlane(args);
    const systemNodes = this.#systemNodes(args);

    this.kubeconfig = pulumi.secret(
      pulumi
        .all([this.cluster.endpoint, this.cluster.masterAuth.clusterCaCertificate])
        .apply(([endpoint, authority]) => gkeKubeconfig(args.clusterName, endpoint, authority)),
    );
    this.provider = new k8s.Provider(
      this.childName("kubernetes"),
      { kubeconfig: this.kubeconfig, enableServerSideApply: true },
      { parent: this, dependsOn: systemNodes },
    );
    this.registerOutputs({ clusterName: args.clusterName });
  }

  #controlPlane(args: GkeClusterArgs): gcp.container.Cluster {
    const encryption = new GcpKey(
      this.childName("secrets"),
      {
        keyName: `${args.clusterName}-gke`,
        projectId: args.projectId,
        region: args.region,
        users: {
          gke: `serviceAccount:service-${args.projectNumber}@container-engine-robot.iam.gserviceaccount.com`,
        },
        labels: args.labels,
      },
      { parent: this },
    );
    return new gcp.container.Cluster(
      this.childName("cluster"),
      {
        name: args.clusterName,
        project: args.projectId,
        location: args.region,
        nodeLocations: [...args.zones],
        network: args.networkId,
        subnetwork: args.subnetworkId,
        networkingMode: "VPC_NATIVE",
        datapathProvider: "ADVANCED_DATAPATH",
        ipAllocationPolicy: {
          clusterSecondaryRangeName: PODS_RANGE,
          servicesSecondaryRangeName: SERVICES_RANGE,
        },
        releaseChannel: { channel: args.releaseChannel },
        removeDefaultNodePool: true,
        initialNodeCount: 1,
        nodeConfig: { serviceAccount: this.nodeServiceAccount.email, shieldedInstanceConfig: SHIELDED },
        deletionProtection: args.deletionProtection ?? true,
        privateClusterConfig: {
          enablePrivateNodes: true,
          enablePrivateEndpoint: args.endpoint.access === "private",
          masterIpv4CidrBlock: args.controlPlaneCidr,
        },
        masterAuthorizedNetworksConfig: {
          gcpPublicCidrsAccessEnabled: false,
          cidrBlocks: args.endpoint.allowedCidrs.map((cidrBlock) => ({ cidrBlock })),
        },
        workloadIdentityConfig: { workloadPool: `${args.projectId}.svc.id.goog` },
        databaseEncryption: { state: "ENCRYPTED", keyName: encryption.key.id },
        enableShieldedNodes: true,
        loggingConfig: { enableComponents: [...LOG_COMPONENTS] },
        monitoringConfig: {
          enableComponents: ["SYSTEM_COMPONENTS"],
          managedPrometheus: { enabled: false },
        },
        costManagementConfig: { enabled: true },
        securityPostureConfig: { mode: "BASIC", vulnerabilityMode: "VULNERABILITY_DISABLED" },
        maintenancePolicy: {
          recurringWindow: {
            startTime: "2026-01-03T01:00:00Z",
            endTime: "2026-01-03T07:00:00Z",
            recurrence: "FREQ=WEEKLY;BYDAY=SA,SU",
          },
        },
        addonsConfig: {
          gcsFuseCsiDriverConfig: { enabled: true },
          ...(args.sharedFiles === "filestore" ? { gcpFilestoreCsiDriverConfig: { enabled: true } } : {}),
        },
        ...(args.gatewayApi === "off" ? {} : { gatewayApiConfig: { channel: "CHANNEL_STANDARD" } }),
        resourceLabels: args.labels,
      },
      { parent: this, dependsOn: [...encryption.grants, ...this.nodesDependOn] },
    );
  }

  #systemNodes(args: GkeClusterArgs): gcp.container.NodePool {
    return new gcp.container.NodePool(
      this.childName("system-nodes"),
      {
        name: "system",
        project: args.projectId,
        location: args.region,
        cluster: this.cluster.name,
        nodeLocations: [...args.zones],
        autoscaling: {
          totalMinNodeCount: args.systemNodes.min,
          totalMaxNodeCount: args.systemNodes.max,
          locationPolicy: "BALANCED",
        },
        management: { autoRepair: true, autoUpgrade: true },
        upgradeSettings: { strategy: "SURGE", maxSurge: 1, maxUnavailable: 0 },
        nodeConfig: {
          machineType: args.systemNodes.instanceType,
          diskType: "pd-balanced",
          diskSizeGb: 100,
          labels: SYSTEM_NODE_LABEL,
          ...nodeBasics(this.nodeServiceAccount.email, args.labels),
        },
      },
      { parent: this, dependsOn: [...this.nodesDependOn] },
    );
  }
}

const SHIELDED = { enableSecureBoot: true, enableIntegrityMonitoring: true } as const;

/** Security settings every GKE node has: own service account, secure boot, metadata only through Workload Identity. */
export function nodeBasics(
  serviceAccount: pulumi.Input<string>,
  resourceLabels: Readonly<Record<string, string>>,
): gcp.types.input.container.NodePoolNodeConfig {
  return {
    imageType: "COS_CONTAINERD",
    serviceAccount,
    oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
    shieldedInstanceConfig: SHIELDED,
    workloadMetadataConfig: { mode: "GKE_METADATA" },
    metadata: { "disable-legacy-endpoints": "true" },
    resourceLabels,
  };
}
