import type { ResourceGraph } from "../graph/graph.ts";
import { groupByComponent, type ComponentGroup } from "./components.ts";
import { mermaidOf } from "./diagram.ts";
import { helmReleasesOf, manifestsOf, type HelmRelease, type Manifest } from "./manifests.ts";

/** What one environment would create, derived from its resource graph only. */
export interface Plan {
  readonly stack: string;
  readonly graph: ResourceGraph;
  /** Resources below the component that owns them. */
  readonly components: readonly ComponentGroup[];
  /** Kubernetes objects, in an order in which they can be applied. */
  readonly manifests: readonly Manifest[];
  /** Third-party charts installed through Helm. */
  readonly helmReleases: readonly HelmRelease[];
  /** Mermaid text of the architecture. */
  readonly diagram: string;
}

/** Derives the plan from a captured graph. */
export function planOf(graph: ResourceGraph): Plan {
  return {
    stack: graph.stack,
    graph,
    components: groupByComponent(graph),
    manifests: manifestsOf(graph),
    helmReleases: helmReleasesOf(graph),
    diagram: mermaidOf(graph),
  };
}

/** Number of cloud and Kubernetes resources, components not counted. */
export function resourceCount(plan: Plan): number {
  return plan.components.reduce((sum, { resources }) => sum + resources.length, 0);
}

/** Resource types with their number, most frequent first. */
export function typeCounts(
  resources: readonly { readonly type: string }[],
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { type } of resources) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
