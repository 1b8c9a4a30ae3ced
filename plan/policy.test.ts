import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";
import { UNKNOWN, type GraphValue } from "../graph/values.ts";
import { CATALOGUE } from "../policies/catalogue.ts";
import type { Exemption } from "../policies/evaluate.ts";
import { blocking, type PolicyReport } from "../policies/report.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { policyOf } from "./policy.ts";
import { planStack, type StackPlan } from "./stack-plan.ts";

const STACKS = ["acme-prod", "acme-staging", "dev", "globex-prod"] as const;
type Stack = (typeof STACKS)[number];
const NOW = "2026-11-24T12:00:00Z";
const plans = new Map<Stack, { readonly config: PlatformConfig; readonly planned: StackPlan }>();

beforeAll(async () => {
  for (const stack of STACKS) {
    const config = readStack(join(import.meta.dirname, "..", "stacks"), stack);
    plans.set(stack, { config, planned: await planStack(stack, config) });
  }
});

type Change = (graph: ResourceGraph) => ResourceGraph;

function report(
  stack: Stack,
  change: Change = (graph) => graph,
  more: Partial<PlatformConfig> = {},
): PolicyReport {
  const entry = plans.get(stack);
  if (entry === undefined) throw new Error(`${stack} is not planned`);
  const { config, planned } = entry;
  return policyOf(change(planned.plan.graph), { ...config, ...more }, planned.cost, NOW);
}

/** Changes every resource of a type whose name contains `part`. */
function edit(type: string, part: string, change: (node: ResourceNode) => Partial<ResourceNode>): Change {
  return (graph) => {
    const hit = graph.nodes.filter((node) => node.type === type && node.name.includes(part));
    expect(hit.length).toBeGreaterThan(0);
    return {
      ...graph,
      nodes: graph.nodes.map((node) => (hit.includes(node) ? { ...node, ...change(node) } : node)),
    };
  };
}

/** Puts a value at a key path of the inputs. */
function set(type: string, part: string, path: string, value: GraphValue): Change {
  return edit(type, part, ({ inputs }) => {
    const copy = structuredClone(inputs) as Record<string, GraphValue>;
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let holder: Record<string, GraphValue> = copy;
    for (const key of keys) holder = holder[key] as Record<string, GraphValue>;
    holder[last] = value;
    return { inputs: copy };
  });
}

function without(type: string, part = ""): Change {
  return (graph) => ({
    ...graph,
    nodes: graph.nodes.filter((node) => node.type !== type || !node.name.includes(part)),
  });
}

/** Replaces a text in the gateway's configuration file. */
function configured(from: string, to: string): Change {
  return edit("kubernetes:core/v1:ConfigMap", "gateway", ({ inputs }) => {
    const { data } = inputs as unknown as { readonly data: { readonly "gateway.yaml": string } };
    expect(data["gateway.yaml"]).toContain(from);
    return { inputs: { ...inputs, data: { "gateway.yaml": data["gateway.yaml"].replace(from, to) } } };
  });
}

const LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration";
const BUCKET = "aws:s3/bucket:Bucket";
const GOOGLE_BUCKET = "gcp:storage/bucket:Bucket";
const EKS = "aws:eks/cluster:Cluster";
const GKE = "gcp:container/cluster:Cluster";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const SCALER = "kubernetes:keda.sh/v1alpha1:ScaledObject";
const POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

describe("the shipped stacks", () => {
  it.each(STACKS)("%s has no finding that stops a deployment", (stack) => {
    expect(blocking(report(stack)).map(({ control, message }) => `${control} ${message}`)).toEqual([]);
  });

  it.each(STACKS)("%s is looked at by every control, or told why not", (stack) => {
    const { results } = report(stack);
    expect(results.map(({ control }) => control)).toEqual(CATALOGUE.map(({ id }) => id));
    const silent = results.filter(
      ({ status, checked, reason }) =>
        (status === "pass" && checked.length === 0) || (status === "not-applicable" && (reason ?? "") === ""),
    );
    expect(silent.map(({ control }) => control)).toEqual([]);
  });
});

/** Stack, what is broken, the change, and the controls that must find it. */
const mutations: readonly (readonly [Stack, string, Change, readonly string[]])[] = [
  ["acme-prod", "no lock rule", without(LOCK), ["AIA-LOG-02", "AIA-LOG-03", "AIA-LOG-04"]],
  [
    "acme-prod",
    "lock not enabled on the bucket",
    set(BUCKET, "audit-bucket", "objectLockEnabled", false),
    ["AIA-LOG-02"],
  ],
  [
    "acme-prod",
    "governance in high-risk production",
    set(LOCK, "", "rule.defaultRetention.mode", "GOVERNANCE"),
    ["AIA-LOG-02"],
  ],
  ["acme-prod", "an unknown mode", set(LOCK, "", "rule.defaultRetention.mode", UNKNOWN), ["AIA-LOG-02"]],
  ["acme-prod", "180 days", set(LOCK, "", "rule.defaultRetention.days", 180), ["AIA-LOG-03"]],
  ["acme-prod", "183 days", set(LOCK, "", "rule.defaultRetention.days", 183), ["AIA-LOG-03"]],
  ["acme-prod", "zero days", set(LOCK, "", "rule.defaultRetention.days", 0), ["AIA-LOG-03", "AIA-LOG-04"]],
  [
    "acme-prod",
    "unknown days",
    set(LOCK, "", "rule.defaultRetention.days", UNKNOWN),
    ["AIA-LOG-03", "AIA-LOG-04"],
  ],
  ["acme-prod", "five years", set(LOCK, "", "rule.defaultRetention.days", 1825), ["AIA-LOG-04"]],
  [
    "acme-prod",
    "a lock on another bucket",
    edit(LOCK, "", () => ({ propertyDependencies: {} })),
    ["AIA-LOG-02", "AIA-LOG-03", "AIA-LOG-04"],
  ],
  [
    "globex-prod",
    "no retention policy",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy", null),
    ["AIA-LOG-02", "AIA-LOG-04"],
  ],
  [
    "globex-prod",
    "an unknown retention policy",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy", UNKNOWN),
    ["AIA-LOG-02", "AIA-LOG-04"],
  ],
  [
    "globex-prod",
    "a retention of ten years as text",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy.retentionPeriod", "315360000"),
    ["AIA-LOG-04"],
  ],
  [
    "acme-prod",
    "no protection",
    edit(BUCKET, "audit-bucket", ({ options }) => ({ options: { ...options, protect: false } })),
    ["AIA-LOG-06"],
  ],
  [
    "acme-prod",
    "not retained",
    edit(BUCKET, "audit-bucket", ({ options }) => ({ options: { ...options, retainOnDelete: false } })),
    ["AIA-LOG-06"],
  ],
  ["acme-prod", "destroyed by force", set(BUCKET, "audit-bucket", "forceDestroy", true), ["AIA-LOG-06"]],
  [
    "acme-prod",
    "no key of its own",
    without("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"),
    ["AIA-LOG-08"],
  ],
  [
    "acme-prod",
    "a key that does not rotate",
    set("aws:kms/key:Key", "audit", "enableKeyRotation", false),
    ["AIA-LOG-08"],
  ],
  [
    "acme-prod",
    "a key that goes in a week",
    set("aws:kms/key:Key", "audit", "deletionWindowInDays", 7),
    ["AIA-LOG-08"],
  ],
  ["acme-prod", "no trail", without("aws:cloudtrail/trail:Trail"), ["AIA-LOG-09"]],
  [
    "acme-prod",
    "a trail without digests",
    set("aws:cloudtrail/trail:Trail", "", "enableLogFileValidation", false),
    ["AIA-LOG-09"],
  ],
  [
    "acme-prod",
    "a trail of another bucket",
    set("aws:cloudtrail/trail:Trail", "", "advancedEventSelectors", []),
    ["AIA-LOG-09"],
  ],
  ["acme-prod", "best-effort records", configured("mode: required", "mode: best-effort"), ["AIA-LOG-10"]],
  [
    "acme-prod",
    "records into another bucket",
    configured("bucket: acme-prod-audit-111122223333", "bucket: elsewhere"),
    ["AIA-LOG-01"],
  ],
  ["acme-prod", "no gateway", without("kubernetes:core/v1:ConfigMap"), ["AIA-LOG-01", "AIA-LOG-10"]],
  ["acme-prod", "no audit store", without("llmops:audit:AwsAuditStore"), ["AIA-LOG-01"]],
  [
    "globex-prod",
    "an unreadable configuration",
    set("kubernetes:core/v1:ConfigMap", "gateway", "data", UNKNOWN),
    ["AIA-LOG-01", "AIA-LOG-10", "AIA-DPR-02"],
  ],
  ["acme-prod", "plain content", configured("kind: none", "kind: plain"), ["AIA-DPR-02"]],
  [
    "acme-prod",
    "no audit log of the control plane",
    set(EKS, "", "enabledClusterLogTypes", ["api"]),
    ["AIA-LOG-12"],
  ],
  ["acme-prod", "unknown log types", set(EKS, "", "enabledClusterLogTypes", UNKNOWN), ["AIA-LOG-12"]],
  [
    "globex-prod",
    "no log of the API server",
    set(GKE, "", "loggingConfig.enableComponents", ["SYSTEM_COMPONENTS"]),
    ["AIA-LOG-12"],
  ],
  [
    "acme-prod",
    "an image by tag",
    set(DEPLOYMENT, "claims-assistant", "spec.template.spec.containers.0.image", "vllm:latest"),
    ["AIA-GOV-03"],
  ],
  [
    "acme-prod",
    "an unknown image",
    set(DEPLOYMENT, "claims-assistant", "spec.template.spec.containers.0.image", UNKNOWN),
    ["AIA-GOV-03"],
  ],
  [
    "acme-prod",
    "a gateway image by tag",
    set(
      "kubernetes:apps/v1:StatefulSet",
      "gateway-set",
      "spec.template.spec.containers.0.image",
      "gateway:1",
    ),
    ["AIA-GOV-03"],
  ],
  [
    "acme-prod",
    "a workload without client",
    set(DEPLOYMENT, "claims-reasoner", "metadata.labels", {}),
    ["AIA-GOV-02"],
  ],
  [
    "globex-prod",
    "a bucket in London",
    set(GOOGLE_BUCKET, "audit-bucket", "location", "EUROPE-WEST2"),
    ["AIA-DPR-01"],
  ],
  ["globex-prod", "a cluster in Zurich", set(GKE, "", "location", "europe-west6"), ["AIA-DPR-01"]],
  [
    "globex-prod",
    "an unknown location",
    set(GOOGLE_BUCKET, "audit-bucket", "location", UNKNOWN),
    ["AIA-DPR-01"],
  ],
  [
    "acme-prod",
    "an API for everybody",
    (graph) =>
      set(EKS, "", "vpcConfig.publicAccessCidrs", ["0.0.0.0/0"])(
        set(EKS, "", "vpcConfig.endpointPublicAccess", true)(graph),
      ),
    ["AIA-SEC-01"],
  ],
  [
    "acme-prod",
    "a public API without named networks",
    set(EKS, "", "vpcConfig.endpointPublicAccess", true),
    ["AIA-SEC-01"],
  ],
  [
    "acme-prod",
    "an unknown endpoint",
    set(EKS, "", "vpcConfig.endpointPublicAccess", UNKNOWN),
    ["AIA-SEC-01"],
  ],
  [
    "acme-prod",
    "cluster secrets under no key",
    edit(EKS, "", ({ propertyDependencies }) => ({
      propertyDependencies: { ...propertyDependencies, encryptionConfig: [] },
    })),
    ["AIA-SEC-02"],
  ],
  ["acme-prod", "an engine without a policy", without(POLICY), ["AIA-SEC-04"]],
  [
    "acme-prod",
    "an engine open to every namespace",
    set(POLICY, "claims-assistant-network", "spec.ingress", [{ from: [{ namespaceSelector: {} }] }]),
    ["AIA-SEC-04"],
  ],
  [
    "acme-prod",
    "an engine open to everything",
    set(POLICY, "claims-assistant-network", "spec.ingress", [{}]),
    ["AIA-SEC-04"],
  ],
  [
    "acme-prod",
    "a scaler without maximum",
    set(SCALER, "claims-assistant", "spec.maxReplicaCount", null),
    ["COST-03"],
  ],
  [
    "acme-prod",
    "a scaler with an unknown maximum",
    set(SCALER, "claims-assistant", "spec.maxReplicaCount", UNKNOWN),
    ["COST-03"],
  ],
  [
    "acme-prod",
    "a pool without limit",
    set("kubernetes:karpenter.sh/v1:NodePool", "l40s", "spec.limits", {}),
    ["COST-03"],
  ],
  [
    "acme-staging",
    "a node group without maximum",
    set("aws:eks/nodeGroup:NodeGroup", "gpu", "scalingConfig.maxSize", null),
    ["COST-03"],
  ],
  [
    "globex-prod",
    "a node pool without maximum",
    set("gcp:container/nodePool:NodePool", "gpu", "autoscaling", {}),
    ["COST-03"],
  ],
  ["acme-prod", "no quota", without("kubernetes:core/v1:ResourceQuota"), ["COST-04"]],
  [
    "acme-prod",
    "a quota for more GPUs",
    set("kubernetes:core/v1:ResourceQuota", "", "spec.hard", { "requests.nvidia.com/gpu": "99" }),
    ["COST-04"],
  ],
];

describe("a broken setting", () => {
  it.each(mutations)("%s with %s is found", (stack, _what, change, expected) => {
    const found = blocking(report(stack, change)).map(({ control }) => control);
    expect([...new Set(found)].sort()).toEqual([...expected].sort());
  });

  it("is broken for each control at least once", () => {
    const broken = new Set(mutations.flatMap(([, , , controls]) => controls));
    const elsewhere = ["AIA-GOV-01", "COST-02"];
    expect(CATALOGUE.map(({ id }) => id).filter((id) => !broken.has(id) && !elsewhere.includes(id))).toEqual(
      [],
    );
  });

  it("can be the classification", () => {
    const entry = plans.get("acme-prod");
    if (entry === undefined) throw new Error("not planned");
    const riskClass = { ...entry.config.riskClass, intendedPurpose: "chat" };
    expect(blocking(report("acme-prod", undefined, { riskClass })).map(({ control }) => control)).toEqual([
      "AIA-GOV-01",
    ]);
  });

  it("can be the budget", () => {
    const entry = plans.get("acme-prod");
    if (entry?.planned.cost === undefined) throw new Error("not priced");
    const cost = { ...entry.planned.cost, budgetUsd: "1.00" };
    const found = blocking(policyOf(entry.planned.plan.graph, entry.config, cost, NOW));
    expect(found.map(({ control, observed }) => [control, observed.startsWith("ceiling ")])).toEqual([
      ["COST-02", true],
    ]);
  });
});

describe("an exemption", () => {
  const exemption: Exemption = {
    id: "EX-2026-001",
    control: "AIA-SEC-01",
    resource: "acme-staging-cluster-cluster",
    reason: "The VPN of the operations team is moved until January.",
    approvedBy: "dpo@acme.example",
    ticket: "GRC-1",
    created: "2026-11-01",
    expires: "2026-12-01",
  };
  const open: Change = set(EKS, "", "vpcConfig.endpointPublicAccess", true);
  const evaluated = (stack: Stack, change: Partial<Exemption> = {}, broken: Change = open): PolicyReport => {
    const name = plans.get(stack)?.planned.plan.graph.nodes.find(({ type }) => type === EKS)?.name ?? "";
    return report(stack, broken, { exemptions: [{ ...exemption, resource: name, ...change }] });
  };

  it("covers its finding, which stays in the report with its end", () => {
    const result = evaluated("acme-staging");
    expect(blocking(result)).toEqual([]);
    expect(result.results.find(({ control }) => control === "AIA-SEC-01")).toMatchObject({
      status: "exempt",
      findings: [{ exemption: { id: "EX-2026-001", expires: "2026-12-01" } }],
    });
  });

  it.each<[string, Partial<Exemption>, readonly string[]]>([
    ["that has run out", { expires: "2026-11-23" }, ["AIA-SEC-01", "AIA-SEC-01"]],
    ["that has not begun", { created: "2026-11-25" }, ["AIA-SEC-01", "AIA-SEC-01"]],
    ["for another resource", { resource: "other" }, ["AIA-SEC-01", "AIA-SEC-01"]],
    ["for another control", { control: "AIA-SEC-02" }, ["AIA-SEC-01", "AIA-SEC-02"]],
    ["for a control that does not exist", { control: "AIA-SEC-99" }, ["AIA-SEC-01", "AIA-SEC-99"]],
  ])("%s covers nothing and is a finding itself", (_what, change, expected) => {
    expect(
      blocking(evaluated("acme-staging", change))
        .map(({ control }) => control)
        .sort(),
    ).toEqual(expected);
  });

  it("holds on its last day", () => {
    expect(blocking(evaluated("acme-staging", { expires: "2026-11-24" }))).toEqual([]);
  });

  it("that nothing needs is a finding", () => {
    const [finding, ...others] = blocking(evaluated("acme-staging", {}, (graph) => graph));
    expect([finding?.observed, others]).toEqual(["nothing needs it any more", []]);
  });

  it("of a lock in high-risk production covers nothing", () => {
    const name = "acme-prod-audit-lock";
    const change = { control: "AIA-LOG-02", resource: name };
    const found = blocking(
      evaluated("acme-prod", change, set(LOCK, "", "rule.defaultRetention.mode", "GOVERNANCE")),
    );
    expect(found.map(({ control }) => control)).toEqual(["AIA-LOG-02", "AIA-LOG-02"]);
  });
});
