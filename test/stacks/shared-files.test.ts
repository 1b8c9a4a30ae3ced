import { beforeAll, describe, expect, it } from "vitest";
import { destroyOrder, ofType, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { UNKNOWN, valueAt } from "../../graph/values.ts";
import { planStack, type StackPlan } from "../../plan/stack-plan.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import { typeCounts } from "../../plan/plan.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { teardownOf } from "../../teardown/teardown.ts";
import { configOf, NOW, withSharedFiles } from "../policy/environments.ts";

type Shipped = "acme-prod" | "globex-prod";

const FILE_SYSTEM = "aws:efs/fileSystem:FileSystem";
const CLASS = "kubernetes:storage.k8s.io/v1:StorageClass";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";

function valid(input: unknown): PlatformConfig {
  const parsed = parsePlatform(input);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function inputsOf(graph: ResourceGraph, type: string): ResourceNode["inputs"] {
  const [node] = ofType(graph, type);
  if (node === undefined) throw new Error(`there is no ${type}`);
  return node.inputs;
}

function sharedClass(graph: ResourceGraph): ResourceNode | undefined {
  return ofType(graph, CLASS).find(({ name }) => name.includes("shared-files"));
}

/** How many more resources of each type one graph has than another. */
function added(graph: ResourceGraph, before: ResourceGraph): Record<string, number> {
  const counts = ({ nodes }: ResourceGraph): Map<string, number> =>
    new Map(typeCounts(nodes.filter(({ custom }) => custom)));
  const earlier = counts(before);
  return Object.fromEntries(
    [...counts(graph)]
      .map(([type, count]) => [type, count - (earlier.get(type) ?? 0)] as const)
      .filter(([, more]) => more !== 0),
  );
}

const plans = new Map<Shipped, { readonly plain: StackPlan; readonly shared: StackPlan }>();

beforeAll(async () => {
  for (const stack of ["acme-prod", "globex-prod"] as const) {
    const config = configOf(stack);
    const plain = await sharedPlan(stack, config);
    const shared = await planStack(stack, valid(withSharedFiles(config)));
    plans.set(stack, { plain, shared });
  }
}, 120_000);

function planOf(stack: Shipped): { readonly plain: StackPlan; readonly shared: StackPlan } {
  const found = plans.get(stack);
  if (found === undefined) throw new Error(`${stack} is not planned`);
  return found;
}

describe("shared files of replicas", () => {
  it.each([
    [
      "acme-prod",
      {
        "aws:ec2/securityGroup:SecurityGroup": 1,
        "aws:efs/fileSystem:FileSystem": 1,
        "aws:efs/fileSystemPolicy:FileSystemPolicy": 1,
        "aws:efs/mountTarget:MountTarget": 3,
        "aws:eks/addon:Addon": 1,
        "aws:iam/role:Role": 1,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": 1,
        "aws:kms/alias:Alias": 1,
        "aws:kms/key:Key": 1,
        "kubernetes:core/v1:PersistentVolumeClaim": 2,
        "kubernetes:storage.k8s.io/v1:StorageClass": 1,
      },
    ],
    [
      "globex-prod",
      {
        "gcp:kms/cryptoKey:CryptoKey": 1,
        "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": 1,
        "gcp:kms/keyRing:KeyRing": 1,
        "kubernetes:core/v1:PersistentVolumeClaim": 1,
        "kubernetes:storage.k8s.io/v1:StorageClass": 1,
      },
    ],
  ] as const)("are exactly these resources more on %s", (stack, more) => {
    const { plain, shared } = planOf(stack);
    expect(added(shared.plan.graph, plain.plan.graph)).toEqual(more);
  });

  it("are an encrypted EFS file system that nodes of the cluster alone mount, over TLS alone", () => {
    const { graph } = planOf("acme-prod").shared.plan;
    expect(inputsOf(graph, FILE_SYSTEM)).toMatchObject({
      creationToken: "acme-prod-shared",
      encrypted: true,
      throughputMode: "elastic",
    });
    const [key] = ofType(graph, "aws:kms/key:Key").filter(({ name }) => name.includes("shared-files"));
    expect(ofType(graph, FILE_SYSTEM)[0]?.propertyDependencies["kmsKeyId"]).toEqual([key?.urn]);
    const policy = valueAt(inputsOf(graph, "aws:efs/fileSystemPolicy:FileSystemPolicy"), "policy");
    expect(JSON.parse(policy as string)).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "ThroughMountTargets",
          Effect: "Allow",
          Principal: { AWS: "*" },
          Action: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
          Condition: { Bool: { "elasticfilesystem:AccessedViaMountTarget": "true" } },
        },
        {
          Sid: "EncryptedConnectionsOnly",
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: "*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
    const [group] = ofType(graph, "aws:ec2/securityGroup:SecurityGroup").filter(({ name }) =>
      name.includes("shared-files"),
    );
    const [cluster] = ofType(graph, "aws:eks/cluster:Cluster");
    expect(group?.inputs).toMatchObject({ egress: [] });
    expect(group?.inputs["ingress"]).toEqual([
      { protocol: "tcp", fromPort: 2049, toPort: 2049, securityGroups: [UNKNOWN] },
    ]);
    expect(group?.propertyDependencies["ingress"]).toEqual([cluster?.urn]);
    const targets = ofType(graph, "aws:efs/mountTarget:MountTarget");
    expect(targets.map(({ name }) => name)).toEqual(
      ["a", "b", "c"].map((zone) => `acme-prod-shared-files-eu-south-2${zone}`),
    );
    for (const { propertyDependencies } of targets) {
      expect(propertyDependencies["securityGroups"]).toEqual([group?.urn]);
      expect(propertyDependencies["subnetId"]?.[0]).toContain("network-private-");
    }
    expect(
      ofType(graph, "aws:eks/addon:Addon").find(({ inputs }) => inputs["addonName"] === "aws-efs-csi-driver")
        ?.inputs["podIdentityAssociations"],
    ).toEqual([{ roleArn: UNKNOWN, serviceAccount: "efs-csi-controller-sa" }]);
  });

  it.each([
    [
      "acme-prod",
      {
        metadata: { name: "llmops-shared" },
        provisioner: "efs.csi.aws.com",
        reclaimPolicy: "Delete",
        volumeBindingMode: "Immediate",
        parameters: {
          provisioningMode: "efs-ap",
          fileSystemId: UNKNOWN,
          directoryPerms: "700",
          uid: "10001",
          gid: "10001",
        },
      },
    ],
    [
      "globex-prod",
      {
        metadata: { name: "llmops-shared" },
        provisioner: "filestore.csi.storage.gke.io",
        reclaimPolicy: "Delete",
        volumeBindingMode: "WaitForFirstConsumer",
        parameters: {
          tier: "zonal",
          protocol: "NFS_V4_1",
          network: "globex-prod",
          "instance-encryption-kms-key": UNKNOWN,
        },
      },
    ],
  ] as const)("are claimed from a class of the stack's own on %s", (stack, expected) => {
    const { graph } = planOf(stack).shared.plan;
    expect(sharedClass(graph)?.inputs).toMatchObject(expected);
    for (const claim of ofType(graph, CLAIM))
      expect(claim.inputs["spec"]).toEqual({
        accessModes: ["ReadWriteMany"],
        storageClassName: "llmops-shared",
        resources: { requests: { storage: "1024Gi" } },
      });
  });

  it("turn Filestore's driver on, and only then", () => {
    const { plain, shared } = planOf("globex-prod");
    const addons = ({ plan: { graph } }: StackPlan): unknown =>
      valueAt(inputsOf(graph, "gcp:container/cluster:Cluster"), "addonsConfig");
    expect(addons(plain)).toEqual({ gcsFuseCsiDriverConfig: { enabled: true } });
    expect(addons(shared)).toEqual({
      gcsFuseCsiDriverConfig: { enabled: true },
      gcpFilestoreCsiDriverConfig: { enabled: true },
    });
  });

  it("cost what is claimed by the hour and, on EFS, what is read and written", () => {
    const { lines, use } = planOf("acme-prod").shared.cost ?? { lines: [], use: [] };
    // 1024 GiB x 0.0005 USD x 730 h for each of two models; 5,000 and 20,000 GiB at 0.06 USD.
    expect(
      lines.filter(({ what }) => what.startsWith("shared file")).map(({ monthlyUsd }) => monthlyUsd.max),
    ).toEqual(["373.76", "373.76"]);
    expect(use.find(({ name }) => name === "shared-file-io-gib")?.monthlyUsd).toEqual({
      min: "0.00",
      expected: "300.00",
      max: "1200.00",
    });
  });

  it("go after the claims and before the network, and the teardown names what is lost", () => {
    const { plan, cost } = planOf("acme-prod").shared;
    const order = destroyOrder(plan.graph);
    const first = (type: string): ResourceNode | undefined => ofType(plan.graph, type)[0];
    const places = [
      first(CLAIM),
      sharedClass(plan.graph),
      first("aws:efs/mountTarget:MountTarget"),
      first(FILE_SYSTEM),
      first("aws:ec2/vpc:Vpc"),
    ].map((node) => order.indexOf(node?.urn ?? "missing"));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    const { lost, obstacles } = teardownOf(plan.graph, cost, NOW);
    expect(lost.map(({ name }) => name)).toContain("acme-prod-shared-files-files");
    expect(obstacles.filter(({ about }) => about === "type")).toEqual([]);
    expect(obstacles.map(({ about }) => about)).toContain("disks");
  });
});
