import * as aws from "../sdk/aws.ts";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { AwsKey } from "../encryption/aws-key.ts";
import type { EksAddon } from "./eks-addons.ts";
import { EksRole } from "./eks-role.ts";
import { SYSTEM_NODE_LABEL, type ClusterEndpoint, type ClusterHandle, type SystemNodes } from "./handle.ts";
import { tokenKubeconfig } from "./kubeconfig.ts";
import { validateManagedClusterArgs } from "./validate.ts";

/** A principal that may use the Kubernetes API. */
export interface EksAccess {
  /** ARN of an IAM role or user. */
  readonly principalArn: string;
  readonly role: "admin" | "view";
}

/** An EKS cluster. */
export interface EksClusterArgs {
  /** Physical name and prefix of all others, at most 40 characters (IAM role names add up to 24). */
  readonly clusterName: string;
  readonly accountId: string;
  readonly region: string;
  /** Kubernetes minor version, for example `1.35`. */
  readonly version: string;
  readonly endpoint: ClusterEndpoint;
  /** Nobody else has access, not even the principal that creates the cluster. */
  readonly access: readonly EksAccess[];
  readonly systemNodes: SystemNodes;
  /** Kubernetes minor of the system nodes. @default the one they were created with */
  readonly systemNodesVersion?: string;
  /** Versions of addons, for example `{ coredns: "v1.12.4-eksbuild.1" }`. @default EKS's own for the cluster's version at creation */
  readonly addonVersions?: Readonly<Partial<Record<EksAddon, string>>>;
  /** Private subnets in at least two zones. */
  readonly subnetIds: readonly pulumi.Input<string>[];
  /** Days control-plane logs are kept; one of the values CloudWatch accepts. */
  readonly logRetentionDays: number;
  /** Whether AWS refuses to delete the cluster. @default true */
  readonly deletionProtection?: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** What nodes need before they can start, for example routes. */
  readonly nodesDependOn: readonly pulumi.Resource[];
}

/** Longest cluster name that leaves room for the suffixes of IAM role names (64 characters). */
const CLUSTER_NAME_LENGTH = 40;

/** All five control-plane log types. Source: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html */
const LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"] as const;

/** Name of the class of a claim that names none. */
const DEFAULT_VOLUMES = "gp3-encrypted";

/** Port of the Kubernetes API of EKS. */
const API_PORT = 443;

const ACCESS_POLICIES: Readonly<Record<EksAccess["role"], string>> = {
  admin: "AmazonEKSClusterAdminPolicy",
  view: "AmazonEKSAdminViewPolicy",
};

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateEksClusterArgs(args: EksClusterArgs): void {
  validateManagedClusterArgs(args, CLUSTER_NAME_LENGTH);
  if (args.subnetIds.length < 2)
    refuse("subnetIds", `${args.subnetIds.length} subnets; EKS needs two in different zones`);
  if (!args.access.some(({ role }) => role === "admin"))
    refuse("access", "no principal has the role admin, so nobody could deploy into the cluster");
  args.access.forEach(({ principalArn }, index) => {
    if (args.access.findIndex((other) => other.principalArn === principalArn) !== index)
      refuse(`access[${index}].principalArn`, `'${principalArn}' is listed twice`);
  });
}

/** Kubeconfig that asks the `aws` command for a token. */
export function eksKubeconfig(
  clusterName: string,
  region: string,
  endpoint: string,
  certificateAuthority: string,
): string {
  return tokenKubeconfig(clusterName, endpoint, certificateAuthority, {
    command: "aws",
    args: ["eks", "get-token", "--cluster-name", clusterName, "--region", region],
  });
}

/**
 * EKS control plane with envelope encryption, audit logs, access entries instead of a config map, pod identity, and a
 * pool of nodes without GPUs.
 */
export class EksCluster extends LlmopsComponent implements ClusterHandle {
  readonly clusterName: string;
  readonly provider: k8s.Provider;
  readonly cluster: aws.eks.Cluster;
  /** Addons and access that nodes need; every further node group depends on them. */
  readonly nodesDependOn: readonly pulumi.Resource[];
  /** Secret: ready for `kubectl`. */
  readonly kubeconfig: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: EksClusterArgs, opts?: ComponentOptions) {
    validateEksClusterArgs(args);
    super("cluster", "EksCluster", name, opts);
    this.clusterName = args.clusterName;
    this.cluster = this.#controlPlane(args);
    const access = this.#access(args);
    const earlyAddons = this.#earlyAddons(args);
    this.nodesDependOn = [...args.nodesDependOn, ...earlyAddons];
    const systemNodes = this.#systemNodes(args);
    const lateAddons = this.#lateAddons(args, systemNodes);

    this.kubeconfig = pulumi.secret(
      pulumi
        .all([this.cluster.endpoint, this.cluster.certificateAuthority.data])
        .apply(([endpoint, authority]) => eksKubeconfig(args.clusterName, args.region, endpoint, authority)),
    );
    const reachable = [...access, ...this.#endpointRules(args)];
    const volumes = this.#defaultVolumes(reachable, lateAddons);
    this.provider = this.#kubernetes("kubernetes", [...reachable, systemNodes, ...lateAddons, volumes]);
    this.registerOutputs({ clusterName: args.clusterName });
  }

  #kubernetes(suffix: string, dependsOn: pulumi.Resource[]): k8s.Provider {
    return new k8s.Provider(
      this.childName(suffix),
      { kubeconfig: this.kubeconfig, enableServerSideApply: true },
      { parent: this, dependsOn },
    );
  }

  /**
   * What a claim that names no class gets; EKS has had no default since 1.30. Through a provider of its own, so that everything the
   * cluster's provider creates comes after it.
   * @see https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-standard.html
   */
  #defaultVolumes(
    reachable: readonly pulumi.Resource[],
    lateAddons: readonly pulumi.Resource[],
  ): k8s.storage.v1.StorageClass {
    const provider = this.#kubernetes("volumes-kubernetes", [...reachable]);
    return new k8s.storage.v1.StorageClass(
      this.childName("volumes"),
      {
        metadata: {
          name: DEFAULT_VOLUMES,
          annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        provisioner: "ebs.csi.aws.com",
        // https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
        parameters: { type: "gp3", encrypted: "true" },
        // A volume is in one zone: it is made where its pod is.
        volumeBindingMode: "WaitForFirstConsumer",
        allowVolumeExpansion: true,
        reclaimPolicy: "Delete",
      },
      { parent: this, provider, dependsOn: [...lateAddons] },
    );
  }

  #controlPlane(args: EksClusterArgs): aws.eks.Cluster {
    const logGroupName = `/aws/eks/${args.clusterName}/cluster`;
    const encryption = new AwsKey(
      this.childName("secrets"),
      {
        alias: `${args.clusterName}-eks`,
        description: `Kubernetes secrets and control-plane logs of ${args.clusterName}`,
        accountId: args.accountId,
        region: args.region,
        logGroupArns: [`arn:aws:logs:${args.region}:${args.accountId}:log-group:${logGroupName}`],
        tags: args.tags,
      },
      { parent: this },
    );
    const role = new EksRole(
      this.childName("control-plane"),
      {
        roleName: `${args.clusterName}-control-plane`,
        principal: "eks.amazonaws.com",
        managedPolicies: ["AmazonEKSClusterPolicy"],
        tags: args.tags,
      },
      { parent: this },
    );
    const logs = new aws.cloudwatch.LogGroup(
      this.childName("logs"),
      {
        name: logGroupName,
        retentionInDays: args.logRetentionDays,
        kmsKeyId: encryption.key.arn,
        tags: args.tags,
      },
      { parent: this },
    );
    return new aws.eks.Cluster(
      this.childName("cluster"),
      {
        name: args.clusterName,
        version: args.version,
        roleArn: role.role.arn,
        accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false },
        bootstrapSelfManagedAddons: false,
        deletionProtection: args.deletionProtection ?? true,
        enabledClusterLogTypes: [...LOG_TYPES],
        encryptionConfig: { provider: { keyArn: encryption.key.arn }, resources: ["secrets"] },
        upgradePolicy: { supportType: "STANDARD" },
        vpcConfig: {
          subnetIds: [...args.subnetIds],
          endpointPrivateAccess: true,
          endpointPublicAccess: args.endpoint.access === "public",
          ...(args.endpoint.access === "public"
            ? { publicAccessCidrs: [...args.endpoint.allowedCidrs] }
            : {}),
        },
        tags: args.tags,
      },
      { parent: this, dependsOn: [...role.attachments, logs] },
    );
  }

  /**
   * Way in to a private endpoint. The group EKS makes admits its own members only; to a public endpoint `publicAccessCidrs` is the way.
   * @see https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html#private-access
   */
  #endpointRules(args: EksClusterArgs): pulumi.Resource[] {
    const { endpoint, tags } = args;
    if (endpoint.access === "public") return [];
    return endpoint.allowedCidrs.map(
      (network) =>
        new aws.vpc.SecurityGroupIngressRule(
          this.childName(`api-from-${network.replace(/[./]/g, "-")}`),
          {
            securityGroupId: this.cluster.vpcConfig.clusterSecurityGroupId,
            description: "Kubernetes API",
            ipProtocol: "tcp",
            fromPort: API_PORT,
            toPort: API_PORT,
            cidrIpv4: network,
            tags,
          },
          { parent: this },
        ),
    );
  }

  #access(args: EksClusterArgs): pulumi.Resource[] {
    return args.access.map(({ principalArn, role }) => {
      const who = principalArn.split("/").slice(1).join("-");
      const entry = new aws.eks.AccessEntry(
        this.childName(`access-${who}`),
        { clusterName: this.cluster.name, principalArn, type: "STANDARD", tags: args.tags },
        { parent: this },
      );
      return new aws.eks.AccessPolicyAssociation(
        this.childName(`access-${who}-${role}`),
        {
          clusterName: this.cluster.name,
          principalArn,
          policyArn: `arn:aws:eks::aws:cluster-access-policy/${ACCESS_POLICIES[role]}`,
          accessScope: { type: "cluster" },
        },
        { parent: this, dependsOn: entry },
      );
    });
  }

  /** Addons nodes cannot become ready without. EKS picks the default version for the Kubernetes version. */
  #earlyAddons(args: EksClusterArgs): pulumi.Resource[] {
    const cni = new EksRole(
      this.childName("vpc-cni"),
      {
        roleName: `${args.clusterName}-vpc-cni`,
        principal: "pods.eks.amazonaws.com",
        managedPolicies: ["AmazonEKS_CNI_Policy"],
        tags: args.tags,
      },
      { parent: this },
    );
    const agent = this.#addon(args, "eks-pod-identity-agent", {}, []);
    const proxy = this.#addon(args, "kube-proxy", {}, []);
    const vpcCni = this.#addon(
      args,
      "vpc-cni",
      {
        configurationValues: JSON.stringify({ enableNetworkPolicy: "true" }),
        podIdentityAssociations: [{ roleArn: cni.role.arn, serviceAccount: "aws-node" }],
      },
      [...cni.attachments, agent],
    );
    return [agent, proxy, vpcCni];
  }

  /** Addons that need a node to run on. */
  #lateAddons(args: EksClusterArgs, systemNodes: aws.eks.NodeGroup): pulumi.Resource[] {
    const ebs = new EksRole(
      this.childName("ebs-csi"),
      {
        roleName: `${args.clusterName}-ebs-csi`,
        principal: "pods.eks.amazonaws.com",
        managedPolicies: ["service-role/AmazonEBSCSIDriverPolicy"],
        tags: args.tags,
      },
      { parent: this },
    );
    return [
      this.#addon(args, "coredns", {}, [systemNodes]),
      this.#addon(
        args,
        "aws-ebs-csi-driver",
        { podIdentityAssociations: [{ roleArn: ebs.role.arn, serviceAccount: "ebs-csi-controller-sa" }] },
        [systemNodes, ...ebs.attachments],
      ),
    ];
  }

  #addon(
    args: EksClusterArgs,
    addonName: EksAddon,
    extra: Pick<aws.eks.AddonArgs, "configurationValues" | "podIdentityAssociations">,
    dependsOn: readonly pulumi.Resource[],
  ): aws.eks.Addon {
    const version = args.addonVersions?.[addonName];
    return new aws.eks.Addon(
      this.childName(`addon-${addonName}`),
      {
        clusterName: this.cluster.name,
        addonName,
        ...(version === undefined ? {} : { addonVersion: version }),
        resolveConflictsOnCreate: "OVERWRITE",
        resolveConflictsOnUpdate: "OVERWRITE",
        tags: args.tags,
        ...extra,
      },
      { parent: this, dependsOn: [...dependsOn] },
    );
  }

  #systemNodes(args: EksClusterArgs): aws.eks.NodeGroup {
    const role = new EksRole(
      this.childName("system-nodes"),
      {
        roleName: `${args.clusterName}-system-nodes`,
        principal: "ec2.amazonaws.com",
        managedPolicies: ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
        tags: args.tags,
      },
      { parent: this },
    );
    const template = new aws.ec2.LaunchTemplate(
      this.childName("system-nodes"),
      nodeLaunchTemplate(`${args.clusterName}-system`, { diskGiB: 100 }, args.tags),
      { parent: this },
    );
    return new aws.eks.NodeGroup(
      this.childName("system-nodes"),
      {
        clusterName: this.cluster.name,
        nodeGroupName: `${args.clusterName}-system`,
        nodeRoleArn: role.role.arn,
        subnetIds: [...args.subnetIds],
        amiType: "AL2023_x86_64_STANDARD",
        ...(args.systemNodesVersion === undefined ? {} : { version: args.systemNodesVersion }),
        instanceTypes: [args.systemNodes.instanceType],
        capacityType: "ON_DEMAND",
        scalingConfig: {
          minSize: args.systemNodes.min,
          desiredSize: args.systemNodes.min,
          maxSize: args.systemNodes.max,
        },
        updateConfig: { maxUnavailable: 1 },
        nodeRepairConfig: { enabled: true },
        labels: SYSTEM_NODE_LABEL,
        launchTemplate: { id: template.id, version: pulumi.interpolate`${template.latestVersion}` },
        tags: args.tags,
      },
      {
        parent: this,
        dependsOn: [...role.attachments, ...this.nodesDependOn],
        ignoreChanges: ["scalingConfig.desiredSize"],
      },
    );
  }
}

/** Boot disk and reservation of a node. */
export interface NodeHardware {
  /** Boot disk, GiB. */
  readonly diskGiB: number;
  /** Id of the capacity reservation the node must come from. */
  readonly capacityReservationId?: string;
}

/**
 * Launch template of a node: instance metadata only with a session token and not from pods, encrypted gp3 disk.
 * @see https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
 */
export function nodeLaunchTemplate(
  templateName: string,
  hardware: NodeHardware,
  tags: Readonly<Record<string, string>>,
): aws.ec2.LaunchTemplateArgs {
  const named = { ...tags, Name: templateName };
  return {
    name: templateName,
    updateDefaultVersion: true,
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      {
        deviceName: "/dev/xvda",
        ebs: {
          volumeSize: hardware.diskGiB,
          volumeType: "gp3",
          encrypted: "true",
          deleteOnTermination: "true",
        },
      },
    ],
    ...(hardware.capacityReservationId === undefined
      ? {}
      : {
          capacityReservationSpecification: {
            capacityReservationTarget: { capacityReservationId: hardware.capacityReservationId },
          },
        }),
    tagSpecifications: [
      { resourceType: "instance", tags: named },
      { resourceType: "volume", tags: named },
    ],
    tags: named,
  };
}
