import { byUrn, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import type { GraphValue } from "../../graph/values.ts";

/** Text of an input, or undefined where it is missing, unknown or secret. */
export function textOf(value: GraphValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function providerOf(graph: ResourceGraph, node: ResourceNode): ResourceNode | undefined {
  return node.provider === undefined ? undefined : byUrn(graph).get(node.provider);
}

/** Account of the only account a provider may touch. */
function accountOf(provider: ResourceNode | undefined): string | undefined {
  const accounts = provider?.inputs["allowedAccountIds"];
  const listed: unknown = typeof accounts === "string" ? JSON.parse(accounts) : accounts;
  const [only, ...others] = Array.isArray(listed) ? (listed as unknown[]) : [];
  return typeof only === "string" && others.length === 0 ? only : undefined;
}

/** AWS account of a resource, or undefined where its provider may touch several. */
export function awsAccount(graph: ResourceGraph, node: ResourceNode): string | undefined {
  return accountOf(providerOf(graph, node));
}

/** `<account>:<region>` of a resource on AWS. */
export function awsPlace(graph: ResourceGraph, node: ResourceNode): string | undefined {
  const provider = providerOf(graph, node);
  const account = accountOf(provider);
  const region = textOf(node.inputs["region"]) ?? textOf(provider?.inputs["region"]);
  return account === undefined || region === undefined ? undefined : `${account}:${region}`;
}

/** Project of a resource on Google Cloud. */
export function gcpProject(graph: ResourceGraph, node: ResourceNode): string | undefined {
  return textOf(node.inputs["project"]) ?? textOf(providerOf(graph, node)?.inputs["project"]);
}

function clusterName(graph: ResourceGraph, cluster: ResourceNode): string | undefined {
  const name = textOf(cluster.inputs["name"]);
  const place = cluster.type.startsWith("aws:")
    ? awsPlace(graph, cluster)
    : [gcpProject(graph, cluster), textOf(cluster.inputs["location"])].join(":");
  return name === undefined || place === undefined || place.startsWith(":") || place.endsWith(":")
    ? undefined
    : `${place}:${name}`;
}

/** Clusters a stack creates. */
const CLUSTERS: ReadonlySet<string> = new Set(["aws:eks/cluster:Cluster", "gcp:container/cluster:Cluster"]);

/**
 * The cluster a Kubernetes object goes to: the one its provider's kubeconfig is made of. Undefined for a cluster that was
 * there before, because two kubeconfigs may lead to the same one.
 */
export function clusterOf(graph: ResourceGraph, node: ResourceNode): string | undefined {
  const sources = providerOf(graph, node)?.propertyDependencies["kubeconfig"] ?? [];
  const clusters = sources
    .flatMap((urn) => byUrn(graph).get(urn) ?? [])
    .filter(({ type }) => CLUSTERS.has(type));
  const [cluster] = clusters;
  return cluster === undefined || clusters.length > 1 ? undefined : clusterName(graph, cluster);
}
