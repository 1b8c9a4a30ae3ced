import * as aws from "../sdk/aws.ts";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { EFS_DRIVER } from "../cluster/eks-addons.ts";
import { EksRole } from "../cluster/eks-role.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { AwsKey } from "../encryption/aws-key.ts";
import { SHARED_FILES_CLASS, type SharedFiles, type SharedFilesSpec } from "./shared-files.ts";

/** A file system of a cluster on AWS. */
export interface AwsSharedFilesArgs extends SharedFilesSpec {
  /** Physical prefix. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly clusterName: string;
  readonly vpcId: pulumi.Input<string>;
  /** Private subnet of each zone: nodes mount in their own. */
  readonly subnetByZone: ReadonlyMap<string, pulumi.Input<string>>;
  /** Security group that every node of the cluster has. */
  readonly nodeSecurityGroupId: pulumi.Input<string>;
  /** Version of the driver's addon. @default EKS's own for the cluster's version at creation */
  readonly driverVersion?: string;
  readonly tags: Readonly<Record<string, string>>;
}

const NFS_PORT = 2049;

/**
 * Mounts only through a mount target and only encrypted; nobody is root. Without a resource a statement means the file system
 * it is attached to, so that the policy is known, and checked, before deployment.
 * @see https://docs.aws.amazon.com/efs/latest/ug/access-control-block-public-access.html
 */
export function fileSystemPolicy(): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "ThroughMountTargets",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        Condition: { Bool: { "elasticfilesystem:AccessedViaMountTarget": "true" } },
      },
      {
        Sid: "EncryptedConnectionsOnly",
        Effect: "Deny",
        Principal: { AWS: "*" },
        Action: "*",
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}

/**
 * One EFS file system under an own key, reachable by nodes only, and a class of volumes on it: the driver gives each claim an
 * access point with a folder and an owner of its own. Throughput is elastic: what is read and written is billed.
 */
export class AwsSharedFiles extends LlmopsComponent {
  readonly files: SharedFiles;

  constructor(name: string, args: AwsSharedFilesArgs, opts?: ComponentOptions) {
    super("storage", "AwsSharedFiles", name, opts);
    const fileSystem = this.#fileSystem(args);
    const targets = this.#mountTargets(args, fileSystem);
    const driver = this.#driver(args);
    const storageClass = new k8s.storage.v1.StorageClass(
      this.childName("class"),
      {
        metadata: { name: SHARED_FILES_CLASS },
        provisioner: "efs.csi.aws.com",
        reclaimPolicy: "Delete",
        volumeBindingMode: "Immediate",
        // https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/docs/README.md
        parameters: {
          provisioningMode: "efs-ap",
          fileSystemId: fileSystem.id,
          directoryPerms: "700",
          uid: `${args.owner}`,
          gid: `${args.owner}`,
        },
      },
      { parent: this, dependsOn: [driver, ...targets] },
    );
    this.files = { storageClass: SHARED_FILES_CLASS, ready: [storageClass] };
    this.registerOutputs({ storageClass: SHARED_FILES_CLASS });
  }

  #fileSystem({ prefix, accountId, region, tags }: AwsSharedFilesArgs): aws.efs.FileSystem {
    const encryption = new AwsKey(
      this.childName("encryption"),
      {
        alias: `${prefix}-shared-files`,
        description: `Shared files of ${prefix}`,
        accountId,
        region,
        logGroupArns: [],
        tags,
      },
      { parent: this },
    );
    const fileSystem = new aws.efs.FileSystem(
      this.childName("files"),
      {
        creationToken: `${prefix}-shared`,
        encrypted: true,
        kmsKeyId: encryption.key.arn,
        throughputMode: "elastic",
        tags: { ...tags, Name: `${prefix}-shared` },
      },
      { parent: this },
    );
    new aws.efs.FileSystemPolicy(
      this.childName("policy"),
      { fileSystemId: fileSystem.id, policy: fileSystemPolicy() },
      { parent: this },
    );
    return fileSystem;
  }

  #mountTargets(
    { prefix, vpcId, subnetByZone, nodeSecurityGroupId, tags }: AwsSharedFilesArgs,
    fileSystem: aws.efs.FileSystem,
  ): aws.efs.MountTarget[] {
    const group = new aws.ec2.SecurityGroup(
      this.childName("nodes-only"),
      {
        name: `${prefix}-shared-files`,
        description: "NFS from the nodes of the cluster",
        vpcId,
        ingress: [
          { protocol: "tcp", fromPort: NFS_PORT, toPort: NFS_PORT, securityGroups: [nodeSecurityGroupId] },
        ],
        egress: [],
        tags: { ...tags, Name: `${prefix}-shared-files` },
      },
      { parent: this },
    );
    return [...subnetByZone].map(
      ([zone, subnetId]) =>
        new aws.efs.MountTarget(
          this.childName(zone),
          { fileSystemId: fileSystem.id, subnetId, securityGroups: [group.id] },
          { parent: this },
        ),
    );
  }

  #driver({ prefix, clusterName, driverVersion, tags }: AwsSharedFilesArgs): aws.eks.Addon {
    const role = new EksRole(
      this.childName("driver"),
      {
        roleName: `${prefix}-efs-csi`,
        principal: "pods.eks.amazonaws.com",
        managedPolicies: ["service-role/AmazonEFSCSIDriverPolicy"],
        tags,
      },
      { parent: this },
    );
    return new aws.eks.Addon(
      this.childName("addon"),
      {
        clusterName,
        addonName: EFS_DRIVER,
        ...(driverVersion === undefined ? {} : { addonVersion: driverVersion }),
        resolveConflictsOnCreate: "OVERWRITE",
        resolveConflictsOnUpdate: "OVERWRITE",
        podIdentityAssociations: [{ roleArn: role.role.arn, serviceAccount: "efs-csi-controller-sa" }],
        tags,
      },
      { parent: this, dependsOn: [...role.attachments] },
    );
  }
}
