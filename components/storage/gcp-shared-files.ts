import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { GcpKey } from "../encryption/gcp-key.ts";
import { SHARED_FILES_CLASS, type SharedFiles } from "./shared-files.ts";

/** File systems of a cluster on Google Cloud. */
export interface GcpSharedFilesArgs {
  /** Prefix of the key. */
  readonly prefix: string;
  readonly projectId: string;
  readonly projectNumber: string;
  readonly region: string;
  /** Name of the network the nodes are in. */
  readonly networkName: pulumi.Input<string>;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * A class of volumes, each a Filestore instance under an own key in the cluster's network. NFS 4.1, because its locks need no
 * way back to the nodes, which the network's firewall would refuse. The kubelet hands a volume to the group of its first pod.
 * @see https://docs.cloud.google.com/filestore/docs/about-supported-protocols
 */
export class GcpSharedFiles extends LlmopsComponent {
  readonly files: SharedFiles;

  constructor(name: string, args: GcpSharedFilesArgs, opts?: ComponentOptions) {
    super("storage", "GcpSharedFiles", name, opts);
    const encryption = new GcpKey(
      this.childName("encryption"),
      {
        keyName: `${args.prefix}-shared-files`,
        projectId: args.projectId,
        region: args.region,
        users: {
          filestore: `serviceAccount:service-${args.projectNumber}@cloud-filer.iam.gserviceaccount.com`,
        },
        labels: args.labels,
      },
      { parent: this },
    );
    const storageClass = new k8s.storage.v1.StorageClass(
      this.childName("class"),
      {
        metadata: { name: SHARED_FILES_CLASS },
        provisioner: "filestore.csi.storage.gke.io",
        reclaimPolicy: "Delete",
        volumeBindingMode: "WaitForFirstConsumer",
        parameters: {
          tier: "zonal",
          protocol: "NFS_V4_1",
          network: args.networkName,
          "instance-encryption-kms-key": encryption.key.id,
        },
      },
      { parent: this, dependsOn: [...encryption.grants] },
    );
    this.files = { storageClass: SHARED_FILES_CLASS, ready: [storageClass] };
    this.registerOutputs({ storageClass: SHARED_FILES_CLASS });
  }
}
