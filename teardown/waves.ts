import { byUrn, destroyOrder, prerequisites, type ResourceGraph, type ResourceNode } from "../graph/graph.ts";

/** Resources that can go at the same time, because everything that needs them is gone. */
export interface Wave {
  /** Counted from 1. */
  readonly number: number;
  /** Sorted by URN; components, which only group, are left out. */
  readonly resources: readonly ResourceNode[];
}

/**
 * The order of deletion in waves, dependants first.
 * @throws Error when the graph has a cycle
 */
export function wavesOf(graph: ResourceGraph): Wave[] {
  const index = byUrn(graph);
  const earliest = new Map<string, number>();
  for (const urn of destroyOrder(graph)) {
    const node = index.get(urn);
    if (node === undefined) continue;
    const own = earliest.get(urn) ?? 1;
    earliest.set(urn, own);
    // A component only groups: what it waits for does not take a wave of its own.
    for (const needed of prerequisites(node))
      earliest.set(needed, Math.max(earliest.get(needed) ?? 1, own + (node.custom ? 1 : 0)));
  }
  const waves = new Map<number, ResourceNode[]>();
  for (const node of graph.nodes) {
    if (!node.custom) continue;
    const number = earliest.get(node.urn) ?? 1;
    waves.set(number, [...(waves.get(number) ?? []), node]);
  }
  return [...waves].sort(([a], [b]) => a - b).map(([, resources], at) => ({ number: at + 1, resources }));
}
