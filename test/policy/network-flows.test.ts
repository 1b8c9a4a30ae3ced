import { beforeAll, describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { planned } from "./environments.ts";
import { NetworkFlows, type Endpoint } from "./network-flows.ts";

const pod = (namespace: string, labels: Readonly<Record<string, string>>): Endpoint => ({
  kind: "pod",
  namespace,
  labels,
});
const address = (ip: string): Endpoint => ({ kind: "address", ip });

const ENDS = {
  gateway: pod("llm-gateway", { "app.kubernetes.io/name": "llmops-gateway" }),
  redis: pod("llm-gateway", { "app.kubernetes.io/name": "gateway-redis" }),
  engine: pod("claims", { "llmops.io/model": "claims-assistant", "llmops.io/tenant": "claims" }),
  other: pod("claims", { "llmops.io/model": "claims-reasoner", "llmops.io/tenant": "claims" }),
  application: pod("claims", { app: "portal" }),
  stranger: pod("shop", { app: "shop" }),
  prometheus: pod("monitoring", { "app.kubernetes.io/name": "prometheus" }),
  dns: pod("kube-system", { "k8s-app": "kube-dns" }),
  apiServer: pod("kube-system", { component: "kube-apiserver" }),
  internet: address("93.184.216.34"),
  metadata: address("169.254.169.254"),
  podIdentity: address("169.254.170.23"),
  intranet: address("10.1.2.3"),
  // Public subnet of the first zone, where the load balancer of the entry is, and private one, where nodes and pods are.
  balancer: address("10.20.192.7"),
  node: address("10.20.0.7"),
} as const;

type End = keyof typeof ENDS;

const FLOWS: readonly (readonly [from: End, to: End, port: number, verdict: "passes" | "is dropped"])[] = [
  ["application", "gateway", 8080, "passes"],
  ["gateway", "engine", 8000, "passes"],
  ["gateway", "redis", 6379, "passes"],
  ["gateway", "podIdentity", 80, "passes"],
  ["gateway", "internet", 443, "passes"],
  ["prometheus", "engine", 8000, "passes"],
  ["prometheus", "gateway", 8080, "passes"],
  ["prometheus", "gateway", 8081, "passes"],
  ["engine", "internet", 443, "passes"],
  ["application", "engine", 8000, "is dropped"],
  ["application", "internet", 443, "is dropped"],
  ["stranger", "application", 8080, "is dropped"],
  ["gateway", "application", 8080, "is dropped"],
  ["application", "gateway", 8081, "is dropped"],
  ["application", "redis", 6379, "is dropped"],
  ["stranger", "gateway", 8080, "is dropped"],
  ["stranger", "engine", 8000, "is dropped"],
  ["stranger", "redis", 6379, "is dropped"],
  ["prometheus", "redis", 6379, "is dropped"],
  ["gateway", "engine", 22, "is dropped"],
  ["gateway", "metadata", 80, "is dropped"],
  ["engine", "other", 8000, "is dropped"],
  ["engine", "gateway", 8081, "is dropped"],
  ["engine", "redis", 6379, "is dropped"],
  ["engine", "metadata", 80, "is dropped"],
  ["engine", "metadata", 443, "is dropped"],
  ["engine", "intranet", 443, "is dropped"],
  ["engine", "internet", 80, "is dropped"],
  ["engine", "apiServer", 443, "is dropped"],
  ["redis", "internet", 443, "is dropped"],
  ["internet", "engine", 8000, "is dropped"],
  ["internet", "gateway", 8080, "is dropped"],
  ["balancer", "gateway", 8080, "passes"],
  ["balancer", "gateway", 8081, "is dropped"],
  ["balancer", "engine", 8000, "is dropped"],
  ["balancer", "redis", 6379, "is dropped"],
  ["node", "gateway", 8080, "is dropped"],
];

let graph: ResourceGraph;

beforeAll(async () => {
  graph = (await planned("acme-prod")).planned.plan.graph;
}, 60_000);

const OTHERS = { shop: {}, "kube-system": {} };

describe("the NetworkPolicies of acme-prod, by the rules of the API", () => {
  it.each(FLOWS)("a connection from %s to %s on port %i %s", (from, to, port, verdict) => {
    const passes = new NetworkFlows(graph, OTHERS).allows({ from: ENDS[from], to: ENDS[to], port });
    expect(passes ? "passes" : "is dropped").toBe(verdict);
  });

  it("let names be asked of the cluster's DNS only", () => {
    const flows = new NetworkFlows(graph, OTHERS);
    const asks = (to: Endpoint): boolean =>
      flows.allows({ from: ENDS.application, to, port: 53, protocol: "UDP" });
    expect([asks(ENDS.dns), asks(ENDS.internet), asks(ENDS.stranger)]).toEqual([true, false, false]);
  });

  it.each(["default-deny", "claims-assistant"])(
    "would let more through without %s, which the check sees",
    (name) => {
      const without: ResourceGraph = {
        ...graph,
        nodes: graph.nodes.filter(({ type, inputs }) => {
          if (type !== "kubernetes:networking.k8s.io/v1:NetworkPolicy") return true;
          return (inputs["metadata"] as unknown as { name: string }).name !== name;
        }),
      };
      const passing = (flows: NetworkFlows): number =>
        FLOWS.filter(([from, to, port]) => flows.allows({ from: ENDS[from], to: ENDS[to], port })).length;
      const all = passing(new NetworkFlows(graph, OTHERS));
      expect(passing(new NetworkFlows(without, OTHERS))).not.toBe(all);
    },
  );

  it("select every pod of a tenant, of the gateway and of the collectors in both directions", () => {
    const policies = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy").map(
      ({ inputs }) => inputs,
    );
    const closed = policies
      .filter(({ spec }) => JSON.stringify(spec) === '{"podSelector":{},"policyTypes":["Ingress","Egress"]}')
      .map(({ metadata }) => (metadata as unknown as { namespace: string }).namespace);
    expect(closed.sort()).toEqual(["claims", "llm-gateway", "telemetry"]);
  });
});
