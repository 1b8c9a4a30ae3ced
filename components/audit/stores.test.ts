import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { AwsDocumentVault } from "./aws-document-vault.ts";
import {
  immutableBucketName,
  immutableBucketStatements,
  type AwsImmutableStoreArgs,
} from "./aws-immutable-store.ts";
import { auditWriterPolicy, AwsAuditStore } from "./aws-store.ts";
import { AwsAuditReplica, replicationPolicy } from "./aws-replica.ts";
import { AwsAuditTrail, trailBucketPolicy } from "./aws-trail.ts";
import { AwsSubjectKeys, subjectKeysPolicy } from "./aws-subject-keys.ts";
import { GcpSubjectKeys } from "./gcp-subject-keys.ts";
import { GcpDocumentVault } from "./gcp-document-vault.ts";
import { gcpImmutableBucketName, type GcpImmutableStoreArgs } from "./gcp-immutable-store.ts";
import { GcpAuditStore } from "./gcp-store.ts";
import type { AuditRetention } from "./retention.ts";

const compliance: AuditRetention = { days: 400, immutability: "compliance" };
const none: AuditRetention = { days: 30, immutability: "none" };
const onAws: AwsImmutableStoreArgs = {
  prefix: "acme-prod",
  accountId: "111122223333",
  region: "eu-south-2",
  retention: compliance,
  tags: {},
};
const onGcp: GcpImmutableStoreArgs = {
  prefix: "globex-prod",
  projectId: "globex-llmops-prod",
  projectNumber: "210987654321",
  region: "europe-southwest1",
  retention: compliance,
  labels: {},
};

function awsGraph(retention: AuditRetention): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new AwsAuditStore("audit", { ...onAws, retention }) });
}

function gcpGraph(retention: AuditRetention): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new GcpAuditStore("audit", { ...onGcp, retention }) });
}

/** Types of the resources the engine must neither delete nor forget to ask about. */
function keptTypes(graph: ResourceGraph): string[] {
  return graph.nodes
    .filter(({ custom, options }) => custom && options.protect && options.retainOnDelete)
    .map(({ type }) => type)
    .sort();
}

describe("AwsAuditStore", () => {
  it("consists of exactly these resources", async () => {
    const { nodes } = await awsGraph(compliance);
    expect(Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)))).toEqual({
      "aws:iam/role:Role": 1,
      "aws:iam/rolePolicy:RolePolicy": 1,
      "aws:kms/alias:Alias": 1,
      "aws:kms/key:Key": 1,
      "aws:s3/bucket:Bucket": 1,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
      "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": 1,
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 1,
      "aws:s3/bucketPolicy:BucketPolicy": 1,
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
      "aws:s3/bucketVersioning:BucketVersioning": 1,
    });
  });

  it.each([
    ["compliance", "COMPLIANCE"],
    ["governance", "GOVERNANCE"],
  ] as const)("locks every new version by default under %s", async (immutability, mode) => {
    const graph = await awsGraph({ days: 400, immutability });
    const [lock] = ofType(graph, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration");
    expect(lock?.inputs["rule"]).toEqual({ defaultRetention: { mode, days: 400 } });
    expect(ofType(graph, "aws:s3/bucket:Bucket")[0]?.inputs).toMatchObject({
      bucket: "acme-prod-audit-111122223333",
      objectLockEnabled: true,
      forceDestroy: false,
    });
  });

  it("expires objects only after their lock", async () => {
    const [lifecycle] = ofType(
      await awsGraph(compliance),
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    );
    expect(lifecycle?.inputs["rules"]).toMatchObject([
      { expiration: { days: 401 }, noncurrentVersionExpiration: { noncurrentDays: 401 } },
    ]);
  });

  it("protects and keeps bucket and key, but not a store without a lock", async () => {
    expect(keptTypes(await awsGraph(compliance))).toEqual([
      "aws:kms/alias:Alias",
      "aws:kms/key:Key",
      "aws:s3/bucket:Bucket",
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
      "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
      "aws:s3/bucketPolicy:BucketPolicy",
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
      "aws:s3/bucketVersioning:BucketVersioning",
    ]);
    const free = await awsGraph(none);
    expect(keptTypes(free)).toEqual([]);
    expect(ofType(free, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")).toEqual([]);
  });

  it("denies deletion, bypass and shorter retention to everybody", () => {
    const sids = (retention: AuditRetention): string[] =>
      (immutableBucketStatements("b", retention) as readonly { Sid: string; Effect: string }[]).map(
        ({ Sid, Effect }) => `${Effect} ${Sid}`,
      );
    expect(sids(compliance)).toEqual([
      "Deny EncryptedConnectionsOnly",
      "Deny NoDeletion",
      "Deny NoBypass",
      "Deny NoShorterRetention",
    ]);
    expect(sids(none)).toEqual(["Deny EncryptedConnectionsOnly"]);
  });

  it("lets the writer add and read, never delete", () => {
    const { Statement } = JSON.parse(auditWriterPolicy(onAws, "acme-prod-audit-111122223333")) as {
      Statement: { Action: string[] }[];
    };
    expect(Statement.flatMap(({ Action }) => Action)).toEqual([
      "s3:PutObject",
      "s3:GetObject",
      "s3:GetObjectAttributes",
      "s3:ListBucket",
      "kms:GenerateDataKey",
      "kms:Decrypt",
    ]);
  });
});

describe("GcpAuditStore", () => {
  it.each([
    ["compliance", true],
    ["governance", false],
  ] as const)("retains every object; %s locks the policy: %s", async (immutability, isLocked) => {
    const graph = await gcpGraph({ days: 400, immutability });
    const [bucket] = ofType(graph, "gcp:storage/bucket:Bucket");
    expect(bucket?.inputs).toMatchObject({
      name: "globex-prod-audit-globex-llmops-prod",
      location: "EUROPE-SOUTHWEST1",
      forceDestroy: false,
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      retentionPolicy: { isLocked, retentionPeriod: "34560000" },
      lifecycleRules: [{ action: { type: "Delete" }, condition: { age: 401 } }],
    });
    expect(bucket?.propertyDependencies["encryption"]).toEqual([
      ofType(graph, "gcp:kms/cryptoKey:CryptoKey")[0]?.urn,
    ]);
    expect(keptTypes(graph)).toEqual([
      "gcp:kms/cryptoKey:CryptoKey",
      "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
      "gcp:kms/keyRing:KeyRing",
      "gcp:storage/bucket:Bucket",
    ]);
  });

  it("lets the writer add and read, never delete", async () => {
    const roles = ofType(await gcpGraph(compliance), "gcp:storage/bucketIAMMember:BucketIAMMember").map(
      ({ inputs }) => inputs["role"],
    );
    expect(roles).toEqual(["roles/storage.objectCreator", "roles/storage.objectViewer"]);
  });
});

describe("audit retention", () => {
  it.each([
    [{ days: 0, immutability: "none" }, "0 is not a whole number from 1 to 36500"],
    [{ days: 40_000, immutability: "none" }, "40000 is not a whole number from 1 to 36500"],
    [
      { days: 30, immutability: "compliance" },
      "30 days under an irreversible lock, but less than the 184 the law asks for: choose governance or a longer time",
    ],
  ] satisfies [AuditRetention, string][])("refuses %j", (retention, reason) => {
    const refusal = expect.objectContaining({ propertyPath: "retention.days", reason }) as Error;
    expect(() => immutableBucketName({ ...onAws, retention }, "audit")).toThrow(refusal);
    expect(() => gcpImmutableBucketName({ ...onGcp, retention }, "audit")).toThrow(refusal);
  });

  it("refuses a bucket name that is too long", () => {
    const refusal = expect.objectContaining({ propertyPath: "prefix" }) as Error;
    expect(() => immutableBucketName({ ...onAws, prefix: "a".repeat(50) }, "audit")).toThrow(refusal);
    expect(() => gcpImmutableBucketName({ ...onGcp, prefix: "a".repeat(50) }, "audit")).toThrow(refusal);
  });
});

describe("AwsAuditTrail", () => {
  it("records every access to the audit records with digests, in a bucket only CloudTrail writes to", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new AwsAuditTrail("trail", {
          prefix: "acme-prod",
          accountId: "111122223333",
          region: "eu-south-2",
          watched: "acme-prod-audit-111122223333",
          retentionDays: 400,
          tags: {},
        }),
    });
    const [trail] = ofType(graph, "aws:cloudtrail/trail:Trail");
    expect(trail?.inputs).toMatchObject({ isMultiRegionTrail: true, enableLogFileValidation: true });
    expect(JSON.stringify(trail?.inputs["advancedEventSelectors"])).toContain(
      "arn:aws:s3:::acme-prod-audit-111122223333/",
    );
    const policy = JSON.parse(trailBucketPolicy("b", "arn:trail", "1")) as {
      Statement: { Effect: string; Condition: object }[];
    };
    expect(
      policy.Statement.filter(({ Effect }) => Effect === "Allow").map(({ Condition }) => Condition),
    ).toEqual([
      { StringEquals: { "aws:SourceArn": "arn:trail" } },
      { StringEquals: { "aws:SourceArn": "arn:trail", "s3:x-amz-acl": "bucket-owner-full-control" } },
    ]);
  });
});

describe("AwsAuditReplica", () => {
  it("copies records and no deletions, with both keys", async () => {
    const destination = { destinationArn: "arn:aws:s3:::copy", destinationKeyArn: "arn:key" };
    const graph = await capture({
      stack: "test",
      program: () => {
        const { bucket, keyArn } = new AwsAuditStore("audit", onAws);
        new AwsAuditReplica("replica", {
          prefix: "acme-prod",
          source: bucket,
          sourceKeyArn: keyArn,
          tags: {},
          ...destination,
        });
      },
    });
    const [rule] = ofType(graph, "aws:s3/bucketReplicationConfig:BucketReplicationConfig");
    expect(rule?.inputs["rules"]).toMatchObject([
      {
        deleteMarkerReplication: { status: "Disabled" },
        destination: { bucket: "arn:aws:s3:::copy", encryptionConfiguration: { replicaKmsKeyId: "arn:key" } },
      },
    ]);
    expect(replicationPolicy("arn:source", "arn:own", destination)).not.toMatch(/Delete/);
  });
});

describe("subject keys", () => {
  it("on AWS can be destroyed for good by the gateway, and only there", async () => {
    const graph = await capture({
      stack: "test",
      program: () => {
        const { writer } = new AwsAuditStore("audit", onAws);
        new AwsSubjectKeys("keys", {
          prefix: "acme-prod",
          accountId: "111122223333",
          writer: writer.role,
          tags: {},
        });
      },
    });
    const below = graph.nodes.filter(({ name, custom }) => custom && name.startsWith("keys-"));
    expect(below.map(({ type }) => type)).toEqual([
      "aws:iam/rolePolicy:RolePolicy",
      "aws:s3/bucket:Bucket",
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
      "aws:s3/bucketPolicy:BucketPolicy",
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    ]);
    const policy = subjectKeysPolicy("acme-prod-subject-keys-111122223333");
    expect(below[0]?.inputs["policy"]).toBe(policy);
    expect(policy).toContain("s3:DeleteObject");
    expect(auditWriterPolicy(onAws, "b")).not.toContain("Delete");
  });

  it("on Google Cloud keep nothing of a deleted key", async () => {
    const args = {
      prefix: "globex-prod",
      projectId: "globex",
      region: "europe-southwest1",
      writerEmail: "a@b",
      labels: {},
    };
    const graph = await capture({ stack: "test", program: () => new GcpSubjectKeys("keys", args) });
    const [bucket] = ofType(graph, "gcp:storage/bucket:Bucket");
    expect(bucket?.inputs).toMatchObject({
      softDeletePolicy: { retentionDurationSeconds: 0 },
      publicAccessPrevention: "enforced",
    });
    expect(Object.keys(bucket?.inputs ?? {})).not.toContain("retentionPolicy");
  });
});

describe("the vault of documents", () => {
  const tenYears: AuditRetention = { days: 3653, immutability: "compliance" };

  it("is a locked bucket of its own on both clouds, without a writer", async () => {
    const graph = await capture({
      stack: "test",
      program: () => {
        new AwsDocumentVault("on-aws", { ...onAws, retention: tenYears });
        new GcpDocumentVault("on-gcp", { ...onGcp, retention: tenYears });
      },
    });
    const [aws] = ofType(graph, "aws:s3/bucket:Bucket");
    const [google] = ofType(graph, "gcp:storage/bucket:Bucket");
    const [lock] = ofType(graph, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration");
    expect(aws?.inputs["bucket"]).toBe("acme-prod-documents-111122223333");
    expect(lock?.inputs["rule"]).toEqual({ defaultRetention: { mode: "COMPLIANCE", days: 3653 } });
    expect(google?.inputs).toMatchObject({
      name: "globex-prod-documents-globex-llmops-prod",
      retentionPolicy: { isLocked: true, retentionPeriod: "315619200" },
    });
    expect([ofType(graph, "aws:iam/role:Role"), ofType(graph, "gcp:serviceaccount/account:Account")]).toEqual(
      [[], []],
    );
  });
});
