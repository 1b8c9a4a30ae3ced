import type { GraphValue } from "./values.ts";

/** Resource options that decide how a resource may be changed or destroyed. */
export interface NodeOptions {
  /** The engine refuses to delete the resource. */
  readonly protect: boolean;
  /** The engine forgets the resource instead of deleting it; policy packs are not told (`not-visible`). */
  readonly retainOnDelete: boolean | "not-visible";
  /** Input paths whose changes the engine ignores. */
  readonly ignoreChanges: readonly string[];
}

/** One resource of the program as the engine would see it, before any cloud call. */
export interface ResourceNode {
  /** Pulumi URN: unique in the graph. */
  readonly urn: string;
  /** Type token, for example `aws:eks/cluster:Cluster` or `llmops:network:AwsNetwork`. */
  readonly type: string;
  /** Logical name. */
  readonly name: string;
  /** URN of the parent; absent for the stack itself. */
  readonly parent?: string;
  /** False for components, which group resources and cost nothing themselves. */
  readonly custom: boolean;
  /** Inputs with unknowns and secrets kept as markers. */
  readonly inputs: Readonly<Record<string, GraphValue>>;
  /** URNs this resource depends on, sorted. */
  readonly dependencies: readonly string[];
  /** URNs each input depends on, sorted; the way to link resources whose ids are unknown. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** URN of the explicit provider, when one is set. */
  readonly provider?: string;
  /** URNs under which the engine knows it from before, by its aliases and those of its parents, sorted; only for stateful types. */
  readonly formerUrns?: readonly string[];
  readonly options: NodeOptions;
}

/** Everything one stack would create, sorted by URN. */
export interface ResourceGraph {
  readonly project: string;
  readonly stack: string;
  readonly nodes: readonly ResourceNode[];
}

const INDEXES = new WeakMap<ResourceGraph, ReadonlyMap<string, ResourceNode>>();

/** Resources by URN; made once per graph. */
export function byUrn(graph: ResourceGraph): ReadonlyMap<string, ResourceNode> {
  const known = INDEXES.get(graph);
  if (known !== undefined) return known;
  const index = new Map(graph.nodes.map((node) => [node.urn, node]));
  INDEXES.set(graph, index);
  return index;
}

/** Resources of one type token, in URN order. */
export function ofType(graph: ResourceGraph, type: string): ResourceNode[] {
  return graph.nodes.filter((node) => node.type === type);
}

/** URNs that must outlive `node`: parent, provider and dependencies. */
export function prerequisites(node: ResourceNode): string[] {
  return [
    ...new Set([
      ...node.dependencies,
      ...(node.parent === undefined ? [] : [node.parent]),
      ...(node.provider === undefined ? [] : [node.provider]),
    ]),
  ];
}

/**
 * URNs in the order the engine deletes them: everything that needs a resource goes before it.
 * @throws Error naming the URNs when the graph has a cycle or a dependency that is not in the graph.
 */
export function destroyOrder(graph: ResourceGraph): string[] {
  const index = byUrn(graph);
  const state = new Map<string, "visiting" | "done">();
  const created: string[] = [];
  const visit = (urn: string, trail: readonly string[]): void => {
    if (state.get(urn) === "done") return;
    if (state.get(urn) === "visiting") throw new Error(`dependency cycle: ${[...trail, urn].join(" -> ")}`);
    const node = index.get(urn);
    if (node === undefined)
      throw new Error(`${trail.at(-1) ?? "graph"} depends on ${urn}, which is not in the graph`);
    state.set(urn, "visiting");
    for (const needed of prerequisites(node)) visit(needed, [...trail, urn]);
    state.set(urn, "done");
    created.push(urn);
  };
  for (const node of graph.nodes) visit(node.urn, []);
  return created.reverse();
}
