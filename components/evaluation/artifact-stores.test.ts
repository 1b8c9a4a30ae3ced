import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { artifactPolicy, AwsArtifactStore } from "./aws-artifact-store.ts";
import { GcpArtifactStore } from "./gcp-artifact-store.ts";

const aws = {
  prefix: "acme-prod",
  clusterName: "acme-prod",
  accountId: "111122223333",
  region: "eu-south-2",
  retentionDays: 730,
  tags: {},
};
const gcp = {
  prefix: "globex-prod",
  projectId: "globex-llmops-prod",
  projectNumber: "210987654321",
  region: "europe-southwest1",
  retentionDays: 730,
  labels: {},
};

describe("AwsArtifactStore", () => {
  it("consists of exactly these resources", async () => {
    const { nodes } = await capture({ stack: "test", program: () => new AwsArtifactStore("a", aws) });
    expect(Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)))).toEqual({
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
  });

  it("forgets artifacts, and encrypts them under an own key", async () => {
    const graph = await capture({ stack: "test", program: () => new AwsArtifactStore("a", aws) });
    const [lifecycle] = ofType(graph, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
    expect(lifecycle?.inputs["rules"]).toEqual([
      {
        id: "forget",
        status: "Enabled",
        filter: {},
        expiration: { days: 730 },
        noncurrentVersionExpiration: { noncurrentDays: 30 },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
    ]);
    const [encrypted] = ofType(
      graph,
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    );
    expect(encrypted?.inputs["rules"]).toMatchObject([
      { applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" } },
    ]);
    const [association] = ofType(graph, "aws:eks/podIdentityAssociation:PodIdentityAssociation");
    expect(association?.inputs).toMatchObject({ namespace: "mlflow", serviceAccount: "mlflow" });
  });

  it("gives the server its folder of this bucket and its key, nothing else", () => {
    expect(JSON.parse(artifactPolicy(aws, "b"))).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
          Resource: "arn:aws:s3:::b/artifacts/*",
        },
        {
          Effect: "Allow",
          Action: ["s3:ListBucket"],
          Resource: "arn:aws:s3:::b",
          Condition: { StringLike: { "s3:prefix": "artifacts/*" } },
        },
        {
          Effect: "Allow",
          Action: ["kms:GenerateDataKey", "kms:Decrypt"],
          Resource: "arn:aws:kms:eu-south-2:111122223333:key/*",
          Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/acme-prod-mlflow" } },
        },
      ],
    });
  });

  it("refuses a name that S3 would refuse", async () => {
    const prefix = "a".repeat(50);
    await expect(
      capture({ stack: "test", program: () => new AwsArtifactStore("a", { ...aws, prefix }) }),
    ).rejects.toThrow("has more than 63 characters");
  });
});

describe("GcpArtifactStore", () => {
  it("is a closed bucket under an own key that forgets, and one identity that reaches it", async () => {
    const graph = await capture({ stack: "test", program: () => new GcpArtifactStore("g", gcp) });
    expect(Object.fromEntries(typeCounts(graph.nodes.filter(({ custom }) => custom)))).toEqual({
      "gcp:kms/cryptoKey:CryptoKey": 1,
      "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": 1,
      "gcp:kms/keyRing:KeyRing": 1,
      "gcp:serviceaccount/account:Account": 1,
      "gcp:serviceaccount/iAMMember:IAMMember": 1,
      "gcp:storage/bucket:Bucket": 1,
      "gcp:storage/bucketIAMMember:BucketIAMMember": 1,
    });
    const [bucket] = ofType(graph, "gcp:storage/bucket:Bucket");
    expect(bucket?.inputs).toMatchObject({
      name: "globex-prod-mlflow-globex-llmops-prod",
      location: "EUROPE-SOUTHWEST1",
      publicAccessPrevention: "enforced",
      uniformBucketLevelAccess: true,
      lifecycleRules: [
        { action: { type: "Delete" }, condition: { age: 730 } },
        { action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: 30 } },
      ],
    });
    const [access] = ofType(graph, "gcp:storage/bucketIAMMember:BucketIAMMember");
    expect(access?.inputs["role"]).toBe("roles/storage.objectUser");
    const [pods] = ofType(graph, "gcp:serviceaccount/iAMMember:IAMMember");
    expect(pods?.inputs["member"]).toBe("serviceAccount:globex-llmops-prod.svc.id.goog[mlflow/mlflow]");
  });
});
