import type { AnalyzerResource } from "@pulumi/pulumi/proto/analyzer_pb.js";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import type { GraphValue } from "../../graph/values.ts";
import { fromWire } from "../../graph/wire.ts";

function nodeOf(resource: AnalyzerResource, inputs: ReadonlyMap<string, GraphValue>): ResourceNode {
  const parent = resource.getParent();
  const provider = resource.getProvider()?.getUrn() ?? "";
  const options = resource.getOptions();
  const type = resource.getType();
  const dependencies: [string, string[]][] = [];
  resource.getPropertydependenciesMap().forEach((value, key) => {
    const urns = value.getUrnsList();
    if (urns.length > 0) dependencies.push([key, [...urns].sort()]);
  });
  return {
    urn: resource.getUrn(),
    type,
    name: resource.getName(),
    ...(parent === "" ? {} : { parent }),
    custom: provider !== "" || type.startsWith("pulumi:providers:"),
    inputs: (inputs.get(resource.getUrn()) ??
      fromWire(resource.getProperties()?.toJavaScript() ?? {})) as ResourceNode["inputs"],
    dependencies: [...resource.getDependenciesList()].sort(),
    propertyDependencies: Object.fromEntries(dependencies),
    ...(provider === "" ? {} : { provider }),
    options: {
      protect: options?.getProtect() ?? false,
      retainOnDelete: "not-visible",
      ignoreChanges: options?.getIgnorechangesList() ?? [],
    },
  };
}

/**
 * The resources that the engine hands to a policy pack, as a graph with unknowns and secrets marked.
 * @param inputs inputs by URN where the engine has shown them; a state without a program has outputs only
 */
export function stackGraph(
  { project, stack }: Pick<ResourceGraph, "project" | "stack">,
  resources: readonly AnalyzerResource[],
  inputs: ReadonlyMap<string, GraphValue>,
): ResourceGraph {
  const nodes = resources
    .map((resource) => nodeOf(resource, inputs))
    .sort((a, b) => (a.urn < b.urn ? -1 : 1));
  return { project, stack, nodes };
}
