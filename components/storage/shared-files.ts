import type * as pulumi from "@pulumi/pulumi";

/** Name of the class whose volumes pods on many nodes write to. */
export const SHARED_FILES_CLASS = "llmops-shared";

/**
 * Smallest Filestore instance of the zonal tier, GiB; the driver makes one for each claim.
 * @see https://docs.cloud.google.com/filestore/docs/csi-driver
 */
export const LEAST_FILESTORE_GIB = 1024;

/** User and group that own every volume of the class. */
export interface SharedFilesSpec {
  readonly owner: number;
}

/** A class of volumes that pods on many nodes write to. */
export interface SharedFiles {
  readonly storageClass: string;
  /** What must exist before a volume of the class is claimed. */
  readonly ready: readonly pulumi.Resource[];
}
