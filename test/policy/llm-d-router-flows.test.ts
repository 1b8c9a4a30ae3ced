import { beforeAll, describe, expect, it } from "vitest";
import type { ResourceGraph } from "../../graph/graph.ts";
import type { GraphValue } from "../../graph/values.ts";
import { planStack } from "../../plan/stack-plan.ts";
import { exportToLlmD } from "../../plan/targets/llm-d.ts";
import { plannedModel } from "../../plan/targets/planned-model.ts";
import { configOf } from "./environments.ts";
import { NetworkFlows, type Endpoint } from "./network-flows.ts";

const POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

const pod = (namespace: string, labels: Readonly<Record<string, string>>): Endpoint => ({
  kind: "pod",
  namespace,
  labels,
});

const ENDS = {
  gateway: pod("llm-gateway", { "app.kubernetes.io/name": "llmops-gateway" }),
  router: pod("claims", { "llm-d-router-gateway": "claims-assistant-epp" }),
  engine: pod("claims", { "llmops.io/model": "claims-assistant" }),
  "other engine": pod("claims", { "llmops.io/model": "claims-reasoner" }),
  application: pod("claims", { app: "portal" }),
  "API server": { kind: "address", ip: "10.0.0.1" },
} as const satisfies Readonly<Record<string, Endpoint>>;

let before: NetworkFlows;
let after: NetworkFlows;

/** The plan with the NetworkPolicies of its first model's export for llm-d besides. */
function withRouter(graph: ResourceGraph, added: readonly object[]): ResourceGraph {
  const [like] = graph.nodes.filter(({ type }) => type === POLICY);
  if (like === undefined) throw new Error("the plan has no network policy");
  const nodes = added.map((inputs, index) => ({
    ...like,
    urn: `${like.urn}-router-${index}`,
    inputs: inputs as Readonly<Record<string, GraphValue>>,
  }));
  return { ...graph, nodes: [...graph.nodes, ...nodes] };
}

beforeAll(async () => {
  const config = configOf("acme-prod");
  const { graph } = (await planStack("acme-prod", config)).plan;
  const [model] = config.models.map((each) => plannedModel(graph, config, each));
  if (model === undefined) throw new Error("acme-prod serves nothing");
  const documents = exportToLlmD(model).files.flatMap((file) => file.documents);
  const policies = documents.filter((document) => "kind" in document && document.kind === "NetworkPolicy");
  before = new NetworkFlows(graph);
  after = new NetworkFlows(withRouter(graph, policies));
}, 60_000);

describe("the NetworkPolicies exported for llm-d, by the rules of the API", () => {
  it.each([
    ["gateway", "router", 8081],
    ["router", "engine", 8000],
    ["router", "API server", 443],
  ] as const)(
    "let a connection from %s to %s on port %i pass, which was dropped before",
    (from, to, port) => {
      const flow = { from: ENDS[from], to: ENDS[to], port };
      expect([before.allows(flow), after.allows(flow)]).toEqual([false, true]);
    },
  );

  it.each([
    ["application", "router", 8081],
    ["gateway", "router", 9002],
    ["router", "engine", 22],
    ["router", "other engine", 8000],
    ["application", "engine", 8000],
    ["router", "API server", 80],
  ] as const)("still drop one from %s to %s on port %i", (from, to, port) => {
    expect(after.allows({ from: ENDS[from], to: ENDS[to], port })).toBe(false);
  });
});
