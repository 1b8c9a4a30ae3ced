import type { ComponentOptions } from "../component.ts";
import { GcpImmutableStore, type GcpImmutableStoreArgs } from "./gcp-immutable-store.ts";

/**
 * Ten-year store of technical documentation, evidence records and reports on Cloud Storage, apart from the audit log.
 * @see Regulation (EU) 2024/1689 Art. 18(1)
 */
export class GcpDocumentVault extends GcpImmutableStore {
  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GcpImmutableStoreArgs, opts?: ComponentOptions) {
    super("GcpDocumentVault", "documents", name, args, opts);
    this.registerOutputs({ bucketName: this.bucketName });
  }
}
