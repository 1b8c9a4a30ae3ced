import type { ResourceGraph } from "../graph/graph.ts";
import { groupByComponent, ownerOf } from "./components.ts";

/**
 * Architecture diagram as Mermaid: one box per component with its number of resources, one arrow from each component to
 * every component it needs. Drawn from the graph only, so it cannot disagree with what is deployed.
 */
export function mermaidOf(graph: ResourceGraph): string {
  const groups = groupByComponent(graph);
  const byUrn = new Map(graph.nodes.map((node) => [node.urn, node]));
  const box = new Map(groups.map((group, index) => [group.urn, `c${index}`]));
  const boxes = groups.map(({ urn, type, name, resources }) => {
    const plural = resources.length === 1 ? "resource" : "resources";
    return `  ${box.get(urn) ?? ""}["<b>${name}</b><br/>${type}<br/>${resources.length} ${plural}"]`;
  });
  const arrows = new Set<string>();
  for (const { urn, resources } of groups) {
    for (const node of resources) {
      const needed = [...node.dependencies, ...(node.provider === undefined ? [] : [node.provider])];
      for (const target of needed.flatMap((dependency) => byUrn.get(dependency) ?? [])) {
        const owner = target.custom ? ownerOf(target, byUrn) : target.urn;
        const [from, to] = [box.get(urn), box.get(owner)];
        if (from !== undefined && to !== undefined && from !== to) arrows.add(`  ${from} --> ${to}`);
      }
    }
  }
  return ["flowchart LR", ...boxes, ...[...arrows].sort(), ""].join("\n");
}
