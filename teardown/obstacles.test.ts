import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prerequisites, type ResourceGraph, type ResourceNode } from "../graph/graph.ts";
import { UNKNOWN } from "../graph/values.ts";
import { obstaclesOf } from "./obstacles.ts";
import { wavesOf } from "./waves.ts";

type Fields = Partial<Omit<ResourceNode, "options">> & { readonly kept?: true };

function node(name: string, type: string, { kept, ...fields }: Fields = {}): ResourceNode {
  return {
    urn: `urn:pulumi:s::llmops::${type}::${name}`,
    type,
    name,
    custom: true,
    inputs: {},
    dependencies: [],
    propertyDependencies: {},
    options: { protect: kept === true, retainOnDelete: kept === true, ignoreChanges: [] },
    ...fields,
  };
}

function graphOf(...nodes: readonly ResourceNode[]): ResourceGraph {
  return { project: "llmops", stack: "s", nodes: [...nodes].sort((a, b) => (a.urn < b.urn ? -1 : 1)) };
}

const BUCKET = "aws:s3/bucket:Bucket";
const LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration";

/** What stops a destroy, in short. */
function stops(...nodes: readonly ResourceNode[]): string[] {
  return obstaclesOf(graphOf(...nodes), "2026-11-24")
    .filter(({ kind }) => kind !== "unseen")
    .map(({ kind, about, resource }) => `${kind} ${about} ${resource.split("::").at(-1) ?? ""}`);
}

describe("waves", () => {
  it("delete everything that needs a resource before it, each resource once", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), { maxLength: 30 }), (edges) => {
        const names = edges.map((_, index) => `n${index}`);
        const urn = (index: number): string => node(names[index] ?? "", "aws:ec2/vpc:Vpc").urn;
        const graph = graphOf(
          ...edges.map((to, index) =>
            node(`n${index}`, "aws:ec2/vpc:Vpc", {
              dependencies: to.filter((target) => target < index).map(urn),
            }),
          ),
        );
        const waves = wavesOf(graph);
        const wave = new Map(
          waves.flatMap(({ number, resources }) => resources.map((each) => [each.urn, number] as const)),
        );
        expect(wave.size).toBe(edges.length);
        for (const each of graph.nodes)
          for (const needed of prerequisites(each))
            expect(wave.get(needed)).toBeGreaterThan(wave.get(each.urn) ?? 0);
      }),
    );
  });

  it("let a component's dependencies wait for what is inside it, without a wave for the component", () => {
    const network = node("network", "aws:ec2/vpc:Vpc");
    const component = node("component", "llmops:x:Y", { custom: false, dependencies: [network.urn] });
    const inside = node("inside", "aws:ec2/subnet:Subnet", { parent: component.urn });
    expect(
      wavesOf(graphOf(network, component, inside)).map(({ number, resources }) => [
        number,
        resources.map(({ name }) => name),
      ]),
    ).toEqual([
      [1, ["inside"]],
      [2, ["network"]],
    ]);
  });
});

describe("what stops a destroy", () => {
  it.each([
    ["a bucket that is not emptied", [node("b", BUCKET)], ["blocks contents b"]],
    ["a bucket that is", [node("b", BUCKET, { inputs: { forceDestroy: true } })], []],
    [
      "a bucket whose emptying is unknown",
      [node("b", BUCKET, { inputs: { forceDestroy: UNKNOWN } })],
      ["blocks contents b"],
    ],
    ["a kept bucket without a lock", [node("b", BUCKET, { kept: true })], ["blocks protection stack"]],
    [
      "a hosted zone with records of others",
      [node("z", "aws:route53/zone:Zone")],
      ["blocks contents z", "unknown type z"],
    ],
    [
      "a protected EKS cluster",
      [node("c", "aws:eks/cluster:Cluster", { inputs: { deletionProtection: true } })],
      ["blocks deletion-protection c"],
    ],
    ["an EKS cluster that says nothing", [node("c", "aws:eks/cluster:Cluster")], []],
    [
      "a GKE cluster that says nothing",
      [node("c", "gcp:container/cluster:Cluster")],
      ["blocks deletion-protection c"],
    ],
    [
      "a cluster whose protection is unknown",
      [node("c", "gcp:container/cluster:Cluster", { inputs: { deletionProtection: UNKNOWN } })],
      ["unknown deletion-protection c"],
    ],
    [
      "an object without its controller",
      [node("o", "kubernetes:keda.sh/v1alpha1:ScaledObject")],
      ["unknown finalizer o"],
    ],
    [
      "an object whose controller outlives it",
      [
        node("keda", "kubernetes:helm.sh/v3:Release"),
        node("o", "kubernetes:keda.sh/v1alpha1:ScaledObject", {
          dependencies: ["urn:pulumi:s::llmops::kubernetes:helm.sh/v3:Release::keda"],
        }),
      ],
      [],
    ],
    ["an object the cloud itself controls", [node("o", "kubernetes:cloud.google.com/v1:ComputeClass")], []],
    ["a type nobody knows", [node("t", "aws:redshift/cluster:Cluster")], ["unknown type t"]],
    [
      "a retention that is unknown",
      [
        node("b", BUCKET, { kept: true }),
        node("l", LOCK, {
          inputs: { rule: { defaultRetention: { mode: "COMPLIANCE", days: UNKNOWN } } },
          dependencies: ["urn:pulumi:s::llmops::aws:s3/bucket:Bucket::b"],
        }),
        node("k", "aws:kms/key:Key", { kept: true }),
        node("e", "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", {
          dependencies: [
            "urn:pulumi:s::llmops::aws:s3/bucket:Bucket::b",
            "urn:pulumi:s::llmops::aws:kms/key:Key::k",
          ],
        }),
      ],
      ["blocks protection stack", "unknown retention k", "unknown retention b"],
    ],
    [
      "a deletion window that is unknown",
      [node("k", "aws:kms/key:Key", { inputs: { deletionWindowInDays: UNKNOWN } })],
      ["unknown retention k"],
    ],
    [
      "a Cloud KMS key that says nothing",
      [node("k", "gcp:kms/cryptoKey:CryptoKey")],
      ["unknown retention k"],
    ],
  ] satisfies [string, ResourceNode[], string[]][])("%s", (_what, nodes, expected) => {
    expect(stops(...nodes).toSorted()).toEqual(expected.toSorted());
  });
});
