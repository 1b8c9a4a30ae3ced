import * as gcp from "../sdk/gcp.ts";
import type * as pulumi from "@pulumi/pulumi";

/** Where a bucket is and what it is called. */
export interface PrivateBucketArgs {
  readonly name: string;
  readonly projectId: string;
  readonly region: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Inputs of a private bucket: in one region, without access lists, never public, and only deleted when it is empty. */
export function privateBucket({
  name,
  projectId,
  region,
  labels,
}: PrivateBucketArgs): gcp.storage.BucketArgs {
  return {
    name,
    project: projectId,
    location: region.toUpperCase(),
    forceDestroy: false,
    uniformBucketLevelAccess: true,
    publicAccessPrevention: "enforced",
    labels,
  };
}

/**
 * IAM member by which Cloud Storage uses a key of the project. A fresh project has none until somebody asks for it, so this asks;
 * the address follows from the project's number, and a plan knows it without an answer.
 * @see https://cloud.google.com/storage/docs/projects#service-agents
 */
export function storageAgent(
  { projectId, projectNumber }: { readonly projectId: string; readonly projectNumber: string },
  opts: pulumi.InvokeOutputOptions,
): pulumi.Output<string> {
  return gcp.storage
    .getProjectServiceAccountOutput({ project: projectId }, opts)
    .apply(() => `serviceAccount:service-${projectNumber}@gs-project-accounts.iam.gserviceaccount.com`);
}
