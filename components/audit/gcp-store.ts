import * as gcp from "../sdk/gcp.ts";
import * as pulumi from "@pulumi/pulumi";
import type { ComponentOptions } from "../component.ts";
import { GcpImmutableStore, type GcpImmutableStoreArgs } from "./gcp-immutable-store.ts";

/** Immutable storage of audit records on Cloud Storage, with the identity of the pods that write; every access is logged. */
export class GcpAuditStore extends GcpImmutableStore {
  /** Identity of the pods that write: may add objects and read them, never delete. */
  readonly writer: gcp.serviceaccount.Account;
  /** Address of that identity, known before deployment. */
  readonly writerEmail: string;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GcpImmutableStoreArgs, opts?: ComponentOptions) {
    super("GcpAuditStore", "audit", name, args, opts);
    this.writerEmail = `${args.prefix}-audit@${args.projectId}.iam.gserviceaccount.com`;
    this.writer = new gcp.serviceaccount.Account(
      this.childName("writer"),
      {
        accountId: `${args.prefix}-audit`,
        displayName: `Writes audit records of ${args.prefix}`,
        project: args.projectId,
      },
      { parent: this },
    );
    for (const role of ["objectCreator", "objectViewer"])
      new gcp.storage.BucketIAMMember(
        this.childName(`writer-${role}`),
        {
          bucket: this.bucket.name,
          role: `roles/storage.${role}`,
          member: pulumi.interpolate`serviceAccount:${this.writer.email}`,
        },
        { parent: this },
      );
    new gcp.projects.IAMAuditConfig(
      this.childName("access-log"),
      {
        project: args.projectId,
        service: "storage.googleapis.com",
        auditLogConfigs: [{ logType: "DATA_READ" }, { logType: "DATA_WRITE" }, { logType: "ADMIN_READ" }],
      },
      { parent: this },
    );
    this.registerOutputs({ bucketName: this.bucketName });
  }
}
