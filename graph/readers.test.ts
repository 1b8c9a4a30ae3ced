import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readGraphFile } from "./graph-file.ts";
import { GraphFileError, graphOfManifests } from "./manifests.ts";
import { graphOfTerraformPlan } from "./terraform.ts";

function file(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "graph-")), name);
  writeFileSync(path, text);
  return path;
}

describe("manifests", () => {
  it("become nodes with the types the engine gives them, unknowns marked", () => {
    const path = file(
      "all.yaml",
      [
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gateway\n  namespace: llm-gateway\n  labels: { app.kubernetes.io/name: llmops-gateway }\ndata: { a: <known after deployment> }",
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: { name: s, namespace: t }\nspec: { maxReplicaCount: 3 }",
        "",
        "apiVersion: v1\nkind: List\nitems: [{ apiVersion: apps/v1, kind: Deployment, metadata: { name: d } }]",
      ].join("\n---\n"),
    );
    const { nodes } = graphOfManifests(path, "llmops", "acme-prod");
    expect(nodes.map(({ type, urn, parent }) => [type, urn, parent ?? ""])).toEqual([
      ["llmops:gateway:Gateway", "manifest:component/gateway", ""],
      [
        "kubernetes:core/v1:ConfigMap",
        "manifest:v1/ConfigMap/llm-gateway/gateway",
        "manifest:component/gateway",
      ],
      ["kubernetes:keda.sh/v1alpha1:ScaledObject", "manifest:keda.sh/v1alpha1/ScaledObject/t/s", ""],
      ["kubernetes:apps/v1:Deployment", "manifest:apps/v1/Deployment//d", ""],
    ]);
    expect(nodes[1]?.inputs["data"]).toEqual({ a: { $unknown: true } });
  });

  it.each([
    ["no YAML", "a: [", "all.yaml: "],
    ["no object", "a: 1", "without apiVersion, kind or metadata.name"],
    ["nothing", "# empty", "there is no Kubernetes object"],
  ])("that are %s are refused", (_what, text, message) => {
    const path = file("all.yaml", text);
    expect(() => graphOfManifests(path, "p", "s")).toThrow(GraphFileError);
    expect(() => graphOfManifests(path, "p", "s")).toThrow(message);
  });

  it("that are missing are refused", () => {
    expect(() => graphOfManifests("/nowhere/x.yaml", "p", "s")).toThrow("cannot be read");
  });
});

describe("a graph file", () => {
  it.each([
    ["no JSON", "{", "JSON"],
    ["another thing", '{"nodes": []}', "no resource graph: project"],
    ["a node without type", '{"project":"p","stack":"s","nodes":[{"urn":"u"}]}', "nodes[0].type"],
  ])("that is %s is refused with its place", (_what, text, message) => {
    const path = file("graph.json", text);
    expect(() => readGraphFile(path)).toThrow(GraphFileError);
    expect(() => readGraphFile(path)).toThrow(message);
  });
});

/** What `terraform show -json` prints for a locked bucket, cut to what is read. */
const PLAN = {
  format_version: "1.2",
  resource_changes: [
    {
      address: "aws_s3_bucket.audit",
      mode: "managed",
      type: "aws_s3_bucket",
      name: "audit",
      change: {
        actions: ["create"],
        after: {
          bucket: "acme-prod-audit-111122223333",
          force_destroy: false,
          object_lock_enabled: true,
          tags: { "llmops:store": "audit", some_tag: "x" },
        },
        after_unknown: { arn: true, tags: {} },
      },
    },
    {
      address: "aws_s3_bucket_object_lock_configuration.audit",
      mode: "managed",
      type: "aws_s3_bucket_object_lock_configuration",
      name: "audit",
      change: {
        actions: ["create"],
        after: { rule: [{ default_retention: [{ days: null, mode: "COMPLIANCE" }] }] },
        after_unknown: { bucket: true, rule: [{ default_retention: [{ days: true }] }] },
      },
    },
    {
      address: "random_password.x",
      mode: "managed",
      type: "random_password",
      name: "x",
      change: {
        actions: ["create"],
        after: { result: "hunter2", length: 8 },
        after_unknown: {},
        after_sensitive: { result: true },
      },
    },
    {
      address: "aws_s3_bucket.old",
      mode: "managed",
      type: "aws_s3_bucket",
      name: "old",
      change: { actions: ["delete"], after: null, after_unknown: {} },
    },
  ],
  configuration: {
    root_module: {
      resources: [
        {
          address: "aws_s3_bucket_object_lock_configuration.audit",
          expressions: { bucket: { references: ["aws_s3_bucket.audit.id", "aws_s3_bucket.audit"] } },
        },
      ],
    },
  },
};

describe("a Terraform plan", () => {
  it("becomes a graph: names, single blocks, unknowns, secrets, links, stores by tag, no deletions", () => {
    const { nodes } = graphOfTerraformPlan(file("plan.json", JSON.stringify(PLAN)), "llmops", "acme-prod");
    const [store, bucket, lock, password] = nodes;
    expect(nodes).toHaveLength(4);
    expect(store).toMatchObject({ type: "llmops:audit:AwsAuditStore", custom: false });
    expect(bucket).toMatchObject({
      type: "aws:s3/bucket:Bucket",
      parent: store?.urn,
      inputs: {
        objectLockEnabled: true,
        arn: { $unknown: true },
        tags: { "llmops:store": "audit", some_tag: "x" },
      },
    });
    expect(lock).toMatchObject({
      type: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
      inputs: { rule: { defaultRetention: { days: { $unknown: true }, mode: "COMPLIANCE" } } },
      propertyDependencies: { bucket: ["aws_s3_bucket.audit"] },
    });
    expect(password?.type).toBe("terraform:random_password");
    expect(JSON.stringify(password)).not.toContain("hunter2");
  });

  it.each([
    ["no JSON", "{"],
    ["a state", '{"format_version":"1.0","values":{}}'],
  ])("that is %s is refused", (_what, text) => {
    expect(() => graphOfTerraformPlan(file("plan.json", text), "p", "s")).toThrow(GraphFileError);
  });
});
