import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import type { GraphValue } from "../../graph/values.ts";

/** A change of a graph. */
export type Change = (graph: ResourceGraph) => ResourceGraph;

function matching(graph: ResourceGraph, type: string, part: string): ResourceNode[] {
  const hit = graph.nodes.filter((node) => node.type === type && node.name.includes(part));
  if (hit.length === 0) throw new Error(`no ${type} whose name contains '${part}'`);
  return hit;
}

/** Changes every resource of a type whose name contains `part`. */
export function edit(
  type: string,
  part: string,
  change: (node: ResourceNode) => Partial<ResourceNode>,
): Change {
  return (graph) => {
    const hit = matching(graph, type, part);
    return {
      ...graph,
      nodes: graph.nodes.map((node) => (hit.includes(node) ? { ...node, ...change(node) } : node)),
    };
  };
}

/** Puts a value at a key path of the inputs. */
export function set(type: string, part: string, path: string, value: GraphValue): Change {
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

/** Takes away every resource of a type whose name contains `part`. */
export function without(type: string, part = ""): Change {
  return (graph) => {
    const hit = matching(graph, type, part);
    return { ...graph, nodes: graph.nodes.filter((node) => !hit.includes(node)) };
  };
}

/** Replaces a text in the gateway's configuration file, everywhere. */
export function configured(from: string | RegExp, to: string): Change {
  return edit("kubernetes:core/v1:ConfigMap", "gateway", ({ inputs }) => {
    const { data } = inputs as unknown as { readonly data: { readonly "gateway.yaml": string } };
    const changed = data["gateway.yaml"].replace(from, to);
    if (changed === data["gateway.yaml"]) throw new Error(`${String(from)} is not in the configuration`);
    return { inputs: { ...inputs, data: { "gateway.yaml": changed } } };
  });
}

/** One change after the other. */
export function both(...changes: readonly Change[]): Change {
  return (graph) => changes.reduce((changed, change) => change(changed), graph);
}
