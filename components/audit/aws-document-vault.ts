import type { ComponentOptions } from "../component.ts";
import { AwsImmutableStore, type AwsImmutableStoreArgs } from "./aws-immutable-store.ts";

/**
 * Ten-year store of technical documentation, evidence records and reports on S3, apart from the audit log.
 * @see Regulation (EU) 2024/1689 Art. 18(1)
 */
export class AwsDocumentVault extends AwsImmutableStore {
  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: AwsImmutableStoreArgs, opts?: ComponentOptions) {
    super(
      "AwsDocumentVault",
      { name: "documents", description: `Documentation of ${args.prefix}; losing it loses ten years` },
      name,
      args,
      opts,
    );
    this.registerOutputs({ bucketName: this.bucketName });
  }
}
