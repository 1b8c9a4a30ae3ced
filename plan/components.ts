import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";

/** A component and the resources it owns directly (not those of components inside it). */
export interface ComponentGroup {
  /** URN of the component; the stack's own URN for resources outside any component. */
  readonly urn: string;
  /** Type without the `llmops:` prefix, for example `network:AwsNetwork`; `stack` for the stack. */
  readonly type: string;
  readonly name: string;
  readonly resources: readonly ResourceNode[];
}

/** URN of the nearest component that holds a resource; the stack when there is none. */
export function ownerOf(node: ResourceNode, byUrn: ReadonlyMap<string, ResourceNode>): string {
  let current = node.parent === undefined ? undefined : byUrn.get(node.parent);
  while (current?.parent !== undefined && !current.type.startsWith("llmops:"))
    current = byUrn.get(current.parent);
  return current?.urn ?? node.urn;
}

/** Resources grouped by the component that owns them; components without resources of their own are left out. */
export function groupByComponent(graph: ResourceGraph): ComponentGroup[] {
  const byUrn = new Map(graph.nodes.map((node) => [node.urn, node]));
  const owned = Map.groupBy(
    graph.nodes.filter((node) => node.custom),
    (node) => ownerOf(node, byUrn),
  );
  return [...owned]
    .flatMap(([urn, resources]) => {
      const owner = byUrn.get(urn);
      if (owner === undefined) return [];
      const type = owner.type.startsWith("llmops:") ? owner.type.slice("llmops:".length) : "stack";
      return [{ urn, type, name: owner.name, resources }];
    })
    .sort((a, b) => (a.urn < b.urn ? -1 : 1));
}
