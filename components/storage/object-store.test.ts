import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { workloadPrincipal } from "../cluster/workload-principal.ts";
import { AwsObjectStore, storeUserPolicy } from "./aws-object-store.ts";
import { GcpObjectStore } from "./gcp-object-store.ts";
import type { ObjectStoreSpec } from "./object-store.ts";

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

const SPEC: ObjectStoreSpec = {
  purpose: "mlflow",
  retentionDays: 730,
  users: [{ name: "server", namespace: "mlflow", serviceAccount: "mlflow", access: "write" }],
};
const AWS = {
  prefix: "acme-prod",
  accountId: "111122223333",
  region: "eu-south-2",
  clusterName: "acme-prod",
  tags: {},
};
const GCP = {
  prefix: "globex-prod",
  projectId: "globex-llmops-prod",
  projectNumber: "210987654321",
  region: "europe-southwest1",
  labels: {},
};

function onAws(more: Partial<ObjectStoreSpec>, prefix = AWS.prefix): Promise<ResourceGraph> {
  return capture({
    stack: "test",
    program: () => new AwsObjectStore("s", { ...AWS, ...SPEC, prefix, ...more }),
  });
}

function onGcp(more: Partial<ObjectStoreSpec>): Promise<ResourceGraph> {
  return capture({
    stack: "test",
    program: () => {
      const cluster = new pulumi.ComponentResource("test:index:Cluster", "cluster");
      new GcpObjectStore("s", { ...GCP, cluster, ...SPEC, ...more });
    },
  });
}

describe("a bucket", () => {
  const expiry = (history: object): unknown => [
    {
      id: "expire-after-retention",
      status: "Enabled",
      filter: {},
      expiration: { days: 731 },
      ...history,
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    },
  ];

  it.each([
    [{}, 0, {}],
    [{ historyDays: 30 }, 1, { noncurrentVersionExpiration: { noncurrentDays: 30 } }],
  ])("on S3 forgets what is deleted, at once or after its history: %j", async (more, versioned, history) => {
    const graph = await onAws(more);
    const [lifecycle] = ofType(graph, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
    expect(lifecycle?.inputs["rules"]).toEqual(expiry(history));
    expect(
      ofType(graph, "aws:s3/bucketVersioning:BucketVersioning").map(({ inputs }) => inputs),
    ).toMatchObject(
      Array.from({ length: versioned }, () => ({ versioningConfiguration: { status: "Enabled" } })),
    );
  });

  const end = (condition: object): object => ({ action: { type: "Delete" }, condition });
  it.each([
    [{}, undefined, []],
    [{ historyDays: 30 }, { enabled: true }, [end({ daysSinceNoncurrentTime: 30 })]],
  ])("on Cloud Storage forgets alike: %j", async (more, versioning, history) => {
    const [bucket] = ofType(await onGcp(more), "gcp:storage/bucket:Bucket");
    expect(bucket?.inputs).toMatchObject({
      name: "globex-prod-mlflow-globex-llmops-prod",
      publicAccessPrevention: "enforced",
      softDeletePolicy: { retentionDurationSeconds: 0 },
      lifecycleRules: [end({ age: 731 }), ...history],
    });
    expect(bucket?.inputs["versioning"]).toEqual(versioning);
  });

  it("consists of exactly these resources on each cloud", async () => {
    const counts = ({ nodes }: ResourceGraph): unknown =>
      Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)));
    expect(counts(await onAws({ historyDays: 30 }))).toEqual({
      "aws:eks/podIdentityAssociation:PodIdentityAssociation": 1,
      "aws:iam/role:Role": 1,
      "aws:iam/rolePolicy:RolePolicy": 1,
      "aws:kms/alias:Alias": 1,
      "aws:kms/key:Key": 1,
      "aws:s3/bucket:Bucket": 1,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 1,
      "aws:s3/bucketPolicy:BucketPolicy": 1,
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
      "aws:s3/bucketVersioning:BucketVersioning": 1,
    });
    expect(counts(await onGcp({}))).toEqual({
      "gcp:kms/cryptoKey:CryptoKey": 1,
      "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": 1,
      "gcp:kms/keyRing:KeyRing": 1,
      "gcp:storage/bucket:Bucket": 1,
      "gcp:storage/bucketIAMMember:BucketIAMMember": 1,
    });
  });

  it("refuses a name that S3 would refuse", async () => {
    await expect(onAws({}, "a".repeat(50))).rejects.toThrow("has more than 63 characters");
  });
});
