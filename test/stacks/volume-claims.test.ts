import { describe, expect, it } from "vitest";
import { byUrn, ofType, prerequisites, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import { configOf, SHIPPED } from "../policy/environments.ts";

const CLASS = "kubernetes:storage.k8s.io/v1:StorageClass";
const DEFAULT = "storageclass.kubernetes.io/is-default-class";

/** Who claims without a class on `acme-prod`. */
const WITHOUT_CLASS = [
  "acme-prod-gateway-redis-set",
  "acme-prod-gateway-set",
  "acme-prod-logs-chart-release",
  "acme-prod-monitoring-chart-release",
  "acme-prod-traces-chart-release",
] as const;

/** Paths of claims that name no class: of Kubernetes itself, and what charts make claims of. */
function classless(value: GraphValue, path = ""): string[] {
  if (Array.isArray(value))
    return value.flatMap((each, at) => classless(each as GraphValue, `${path}.${at}`));
  if (!isRecord(value)) return [];
  const claims =
    valueAt(value, "resources.requests.storage") !== undefined ||
    (value["enabled"] === true && value["size"] !== undefined);
  const named = value["storageClassName"] ?? value["storageClass"];
  if (claims && named === undefined) return [path];
  return Object.entries(value).flatMap(([key, each]) => classless(each, `${path}.${key}`));
}

function comesAfter(graph: ResourceGraph, node: ResourceNode, earlier: string): boolean {
  const index = byUrn(graph);
  const seen = new Set<string>();
  const visit = (urn: string): boolean => {
    if (urn === earlier) return true;
    if (seen.has(urn)) return false;
    seen.add(urn);
    return prerequisites(index.get(urn) ?? node).some(visit);
  };
  return prerequisites(node).some(visit);
}

/** Claims that would wait for ever on an EKS cluster, or that could be made before the class they get. */
function waiting(graph: ResourceGraph): string[] {
  if (ofType(graph, "aws:eks/cluster:Cluster").length === 0) return [];
  const [volumes] = ofType(graph, CLASS).filter(
    ({ inputs }) =>
      (inputs["metadata"] as { annotations?: Record<string, string> }).annotations?.[DEFAULT] === "true",
  );
  return graph.nodes
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .flatMap((node) =>
      volumes !== undefined && comesAfter(graph, node, volumes.urn)
        ? []
        : classless(node.inputs).map((path) => `${node.name}${path}`),
    );
}

async function graphOf(stack: (typeof SHIPPED)[number]): Promise<ResourceGraph> {
  return (await sharedPlan(stack, configOf(stack))).plan.graph;
}

function changed(
  graph: ResourceGraph,
  change: (node: ResourceNode) => ResourceNode | undefined,
): ResourceGraph {
  return { ...graph, nodes: graph.nodes.flatMap((node) => change(node) ?? []) };
}

describe("claims that name no class", () => {
  it.each(SHIPPED)("of %s all get one", async (stack) => {
    expect(waiting(await graphOf(stack))).toEqual([]);
  });

  it("are those of the gateway, its Redis, the metrics and what charts keep", async () => {
    const graph = await graphOf("acme-prod");
    const found = waiting(changed(graph, (node) => (node.type === CLASS ? undefined : node)));
    expect(found.map((claim) => claim.split(".")[0]).sort()).toEqual(WITHOUT_CLASS);
  });

  it("are found where the class is no default", async () => {
    const graph = await graphOf("acme-prod");
    const plain = changed(graph, (node) =>
      node.type === CLASS ? { ...node, inputs: { ...node.inputs, metadata: { name: "gp3" } } } : node,
    );
    expect(waiting(plain)).toHaveLength(WITHOUT_CLASS.length);
  });

  it("are found where the class may be made after them", async () => {
    const graph = await graphOf("acme-prod");
    const [volumes] = ofType(graph, CLASS);
    const late = changed(graph, (node) => ({
      ...node,
      dependencies: node.dependencies.filter((urn) => urn !== volumes?.urn),
    }));
    expect(waiting(late)).toHaveLength(WITHOUT_CLASS.length);
  });
});
