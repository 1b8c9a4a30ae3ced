import { describe, expect, it } from "vitest";
import { workloadPrincipal } from "../cluster/workload-principal.ts";
import { storeUserPolicy } from "./aws-object-store.ts";

interface Policy {
  readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: string }[];
}

describe("who uses a bucket", () => {
  it.each([
    ["read", ["s3:GetObject"], ["kms:Decrypt"]],
    ["add", ["s3:GetObject", "s3:PutObject"], ["kms:GenerateDataKey", "kms:Decrypt"]],
    ["write", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], ["kms:GenerateDataKey", "kms:Decrypt"]],
  ] as const)("to %s may do that in this bucket, under its key, and nothing else", (access, objects, key) => {
    const args = {
      prefix: "acme-prod",
      purpose: "metrics",
      accountId: "111122223333",
      region: "eu-south-2",
      retentionDays: 400,
      clusterName: "acme-prod",
    } as const;
    const { Statement } = JSON.parse(storeUserPolicy(args, access, "bucket-1")) as Policy;
    expect(Statement.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [objects, "arn:aws:s3:::bucket-1/*"],
      [["s3:ListBucket"], "arn:aws:s3:::bucket-1"],
      [key, "arn:aws:kms:eu-south-2:111122223333:key/*"],
    ]);
  });

  it("on GKE is the service account of the cluster itself", () => {
    const account = { projectId: "p", projectNumber: "12", namespace: "thanos", serviceAccount: "reader" };
    expect(workloadPrincipal(account)).toBe(
      "principal://iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/p.svc.id.goog/subject/ns/thanos/sa/reader",
    );
  });
});
