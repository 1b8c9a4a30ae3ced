import { beforeAll, describe, expect, it } from "vitest";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { UNKNOWN, type GraphValue } from "../../graph/values.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { KINDS, type Kind } from "./holding.ts";
import { isolationOf, type IsolationProof, type PlannedStack } from "./proof.ts";

let acme: PlannedStack;
let globex: PlannedStack;

async function planned(stack: string): Promise<PlannedStack> {
  const config = readStack(`${import.meta.dirname}/../../stacks`, stack);
  return { stack, config, graph: (await sharedPlan(stack, config)).plan.graph };
}

beforeAll(async () => {
  acme = await planned("acme-prod");
  globex = await planned("globex-prod");
});

type Inputs = Readonly<Record<string, GraphValue>>;

/** A resource of a stack as the graph would have it, on the stack's own providers. */
function resource(
  type: string,
  inputs: Inputs,
  dependencies: ResourceNode["propertyDependencies"] = {},
): ResourceNode {
  const [cloud = "aws"] = type.split(":");
  const provider =
    cloud === "kubernetes"
      ? "acme-prod-cluster-kubernetes"
      : `${cloud === "gcp" ? "globex" : "acme"}-prod-${cloud}`;
  const node = [...acme.graph.nodes, ...globex.graph.nodes].find(({ name }) => name === provider);
  return {
    urn: `urn:pulumi:acme-prod::llmops::${type}::added`,
    type,
    name: "added",
    custom: true,
    inputs,
    dependencies: [],
    propertyDependencies: dependencies,
    ...(node === undefined ? {} : { provider: node.urn }),
    options: { protect: false, retainOnDelete: false, ignoreChanges: [] },
  };
}

/** The providers a resource needs, and the cluster a provider leads to, without what the cluster is made of. */
function surroundings(node: ResourceNode): ResourceNode[] {
  const all = [...acme.graph.nodes, ...globex.graph.nodes];
  const found = (urn: string | undefined): ResourceNode[] => all.filter((each) => each.urn === urn);
  return found(node.provider).flatMap((provider) => [
    provider,
    ...(provider.propertyDependencies["kubeconfig"] ?? [])
      .flatMap(found)
      .flatMap((cluster) => [
        { ...cluster, inputs: { name: cluster.inputs["name"] ?? null }, propertyDependencies: {} },
        ...found(cluster.provider),
      ]),
  ]);
}

/** A stack with further resources; what they need is added where it is not there. */
function and(stack: PlannedStack, ...nodes: readonly ResourceNode[]): PlannedStack {
  const has = new Set(stack.graph.nodes.map(({ urn }) => urn));
  const missing = nodes.flatMap(surroundings).filter(({ urn }) => !has.has(urn));
  const graph: ResourceGraph = { ...stack.graph, nodes: [...stack.graph.nodes, ...missing, ...nodes] };
  return { ...stack, graph };
}

function verdicts(proof: IsolationProof): Record<string, string> {
  return Object.fromEntries(proof.kinds.map(({ kind, verdict }) => [kind, verdict]));
}

const ISOLATED = Object.fromEntries(KINDS.map((kind) => [kind, "isolated"]));

describe("isolation of clients", () => {
  it("holds between the shipped stacks of two clients, and something of each kind was compared", () => {
    const proof = isolationOf(acme, [acme, globex]);
    expect(verdicts(proof)).toEqual(ISOLATED);
    expect(proof.others).toEqual(["globex-prod"]);
    expect(proof.kinds.map(({ compared, against }) => compared > 0 && against > 0)).toEqual(
      KINDS.map(() => true),
    );
  });

  it("does not hold between a stack and its copy under another client's name", () => {
    const copy = { ...acme, stack: "copy", config: { ...acme.config, client: "copy" } };
    expect(verdicts(isolationOf(copy, [acme]))).toEqual(
      Object.fromEntries(KINDS.map((kind) => [kind, "shared"])),
    );
  });

  it("does not look at the client's own other stacks", () => {
    const other = { ...acme, stack: "acme-staging" };
    expect(isolationOf(acme, [acme, other]).others).toEqual([]);
  });

  const shared: readonly [Kind, string, Inputs, Inputs][] = [
    ["kms-key", "aws:kms/alias:Alias", { name: "alias/one" }, { name: "alias/one" }],
    [
      "kms-key",
      "aws:sns/topic:Topic",
      { kmsMasterKeyId: "alias/aws/sns2" },
      { kmsMasterKeyId: "alias/aws/sns2" },
    ],
    [
      "kms-key",
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
      { rules: [{ kmsMasterKeyId: "arn:aws:kms:eu-south-2:111122223333:key/abc" }] },
      { rules: [{ kmsMasterKeyId: "arn:aws:kms:eu-south-2:111122223333:key/abc" }] },
    ],
    [
      "kms-key",
      "gcp:kms/keyRing:KeyRing",
      { name: "a", location: "europe-west4" },
      { name: "a", location: "europe-west4" },
    ],
    ["bucket", "aws:s3/bucket:Bucket", { bucket: "one" }, { bucket: "one" }],
    ["bucket", "gcp:storage/bucket:Bucket", { name: "one" }, { name: "one" }],
    [
      "bucket",
      "aws:iam/rolePolicy:RolePolicy",
      { policy: '{"Resource":"arn:aws:s3:::one/*"}' },
      { policy: '{"Resource":"arn:aws:s3:::one"}' },
    ],
    [
      "namespace",
      "kubernetes:core/v1:Namespace",
      { metadata: { name: "one" } },
      { metadata: { name: "one" } },
    ],
    ["identity", "aws:iam/role:Role", { name: "one" }, { name: "one" }],
    ["identity", "gcp:serviceaccount/account:Account", { accountId: "one" }, { accountId: "one" }],
    [
      "identity",
      "aws:eks/accessEntry:AccessEntry",
      { principalArn: "arn:aws:iam::999988887777:role/one" },
      { principalArn: "arn:aws:iam::999988887777:role/one" },
    ],
    [
      "identity",
      "kubernetes:core/v1:ServiceAccount",
      { metadata: { name: "one", namespace: "two" } },
      { metadata: { name: "one", namespace: "two" } },
    ],
    [
      "secret",
      "kubernetes:core/v1:Secret",
      { metadata: { name: "one", namespace: "two" } },
      { metadata: { name: "one", namespace: "two" } },
    ],
    ["secret", "aws:secretsmanager/secret:Secret", { name: "one" }, { name: "one" }],
    ["secret", "gcp:secretmanager/secret:Secret", { secretId: "one" }, { secretId: "one" }],
    ["network", "aws:ec2/vpc:Vpc", { cidrBlock: "10.99.0.0/16" }, { cidrBlock: "10.99.128.0/20" }],
    [
      "network",
      "gcp:compute/subnetwork:Subnetwork",
      { ipCidrRange: "10.98.0.0/24", secondaryIpRanges: [{ ipCidrRange: "10.99.0.0/16" }] },
      { ipCidrRange: "10.97.0.0/24", secondaryIpRanges: [{ ipCidrRange: "10.99.1.0/24" }] },
    ],
    [
      "network",
      "gcp:container/cluster:Cluster",
      { privateClusterConfig: { masterIpv4CidrBlock: "10.99.0.0/28" } },
      { privateClusterConfig: { masterIpv4CidrBlock: "10.99.0.0/28" } },
    ],
  ];

  const records: readonly [string, string, Inputs, Inputs][] = [
    [
      "a name in zones of their own",
      "aws:route53/record:Record",
      { zoneId: "Z1", name: "llm.one.example" },
      { zoneId: "Z2", name: "llm.one.example" },
    ],
    [
      "a zone",
      "aws:route53/record:Record",
      { zoneId: "Z1", name: "llm.one.example" },
      { zoneId: "Z1", name: "llm.two.example" },
    ],
    [
      "a name in Cloud DNS",
      "gcp:dns/recordSet:RecordSet",
      { project: "p", managedZone: "a", name: "llm.one.example." },
      { project: "p", managedZone: "b", name: "llm.one.example." },
    ],
    [
      "a name a Gateway answers under",
      "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
      { spec: { hostnames: ["llm.one.example"] } },
      { spec: { hostnames: ["llm.one.example"] } },
    ],
  ];

  it.each(records)("finds that two clients share %s", (_what, type, mine, theirs) => {
    const proof = isolationOf(and(acme, resource(type, mine)), [and(globex, resource(type, theirs))]);
    expect(verdicts(proof)).toEqual({ ...ISOLATED, hostname: "shared" });
  });

  it("lets one client's regions share a name", () => {
    const type = "aws:route53/record:Record";
    const record = resource(type, { zoneId: "Z1", name: "llm.eu.acme.example" });
    const other = { ...and(acme, record), stack: "acme-prod-de" };
    expect(isolationOf(and(acme, record), [and(acme, record), other, globex]).verdict).toBe("isolated");
  });

  it.each(shared)("finds a shared %s: %s", (kind, type, mine, theirs) => {
    const proof = isolationOf(and(acme, resource(type, mine)), [and(globex, resource(type, theirs))]);
    expect(verdicts(proof)).toEqual({ ...ISOLATED, [kind]: "shared" });
    expect(proof.verdict).toBe("shared");
  });

  const unknown: readonly [Kind, string, Inputs][] = [
    ["kms-key", "aws:kms/alias:Alias", { name: UNKNOWN }],
    ["kms-key", "aws:kms/replicaKey:ReplicaKey", {}],
    ["kms-key", "gcp:kms/cryptoKey:CryptoKey", { name: "one" }],
    ["kms-key", "aws:sqs/queue:Queue", { kmsMasterKeyId: UNKNOWN }],
    ["bucket", "aws:s3/bucket:Bucket", {}],
    ["bucket", "aws:s3/bucketV2:BucketV2", { bucket: "one" }],
    ["namespace", "kubernetes:core/v1:Namespace", { metadata: {} }],
    ["identity", "aws:iam/role:Role", { namePrefix: "one" }],
    ["identity", "aws:eks/nodeGroup:NodeGroup", { nodeRoleArn: UNKNOWN }],
    ["secret", "kubernetes:core/v1:Secret", { metadata: { name: "one" } }],
    ["hostname", "aws:route53/record:Record", { zoneId: "Z1", name: UNKNOWN }],
    ["hostname", "aws:route53/zone:Zone", { name: "acme.example" }],
    ["hostname", "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", { spec: UNKNOWN }],
    ["network", "aws:ec2/vpc:Vpc", { ipv4IpamPoolId: "ipam-1" }],
    ["network", "aws:eks/cluster:Cluster", { vpcConfig: { subnetIds: [UNKNOWN] } }],
  ];

  it.each(unknown)("does not call an unknown %s isolated, here or there: %s", (kind, type, inputs) => {
    for (const [mine, theirs] of [
      [and(acme, resource(type, inputs)), globex],
      [globex, and(acme, resource(type, inputs))],
    ] as const)
      expect(verdicts(isolationOf(mine, [theirs]))).toMatchObject({ [kind]: "not-proven" });
  });

  it("does not prove a value that comes out of another stack", () => {
    const reference = resource("pulumi:pulumi:StackReference", { name: "org/other/prod" });
    const role = resource(
      "aws:eks/nodeGroup:NodeGroup",
      { nodeRoleArn: UNKNOWN },
      { nodeRoleArn: [reference.urn] },
    );
    const { kinds } = isolationOf(and(acme, reference, role), [globex]);
    expect(kinds.find(({ kind }) => kind === "identity")?.open.map(({ reason }) => reason)).toEqual([
      "nodeRoleArn is known to nobody yet, and nothing of this stack gives it",
    ]);
  });

  it("proves nothing about a cluster that was there before, nor about its network", () => {
    const nodes = acme.graph.nodes
      .filter(({ type }) => type.startsWith("kubernetes:") || type === "pulumi:providers:kubernetes")
      .map((node) => ({ ...node, propertyDependencies: {} }));
    const existing = { ...acme, graph: { ...acme.graph, nodes } };
    expect(verdicts(isolationOf(existing, [globex]))).toMatchObject({
      namespace: "not-proven",
      identity: "not-proven",
      secret: "not-proven",
      network: "not-proven",
    });
  });

  it("finds a caller's key and a signer two clients have in common, but not the placeholders", () => {
    const with64 = (stack: PlannedStack, digit: string): PlannedStack => {
      const config: PlatformConfig = structuredClone(stack.config);
      config.gateway.clients[0]?.keys.push(digit.repeat(64));
      return { ...stack, config };
    };
    const secretOf = (digits: readonly [string, string]): string | undefined =>
      isolationOf(with64(acme, digits[0]), [with64(globex, digits[1])]).kinds.find(
        ({ kind }) => kind === "secret",
      )?.verdict;
    expect([secretOf(["a", "a"]), secretOf(["a", "b"])]).toEqual(["shared", "isolated"]);
  });
});
