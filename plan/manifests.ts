import { stringify } from "yaml";
import { destroyOrder, type ResourceGraph, type ResourceNode } from "../graph/graph.ts";
import { isRecord, isSecret, isUnknown, pathsWhere, type GraphValue } from "../graph/values.ts";

/** One Kubernetes object as a file. */
export interface Manifest {
  /** File name; the leading number is the order in which the objects can be applied. */
  readonly fileName: string;
  readonly urn: string;
  /** YAML text of exactly one object. */
  readonly yaml: string;
  /** Key paths whose value is only known after deployment or secret; empty when the file can be applied as it is. */
  readonly unresolved: readonly string[];
}

/** One third-party chart that the stack installs through Helm. */
export interface HelmRelease {
  readonly urn: string;
  readonly release: string;
  readonly namespace: string;
  readonly chart: string;
  readonly version: string;
  readonly repository: string;
  readonly values: GraphValue;
}

const RELEASE_TYPE = "kubernetes:helm.sh/v3:Release";
const UNKNOWN_TEXT = "<known after deployment>";
const SECRET_TEXT = "<secret>";

/** Creation order of a graph, oldest first. */
function creationOrder(graph: ResourceGraph): ResourceNode[] {
  const byUrn = new Map(graph.nodes.map((node) => [node.urn, node]));
  return destroyOrder(graph)
    .reverse()
    .flatMap((urn) => byUrn.get(urn) ?? []);
}

function isKubernetesObject(node: ResourceNode): boolean {
  return (
    node.custom &&
    node.type.startsWith("kubernetes:") &&
    typeof node.inputs["kind"] === "string" &&
    typeof node.inputs["apiVersion"] === "string"
  );
}

/** A value as text can show it: what is unknown or secret says so. */
export function resolve(value: GraphValue): unknown {
  if (isUnknown(value)) return UNKNOWN_TEXT;
  if (isSecret(value)) return SECRET_TEXT;
  if (Array.isArray(value)) return (value as readonly GraphValue[]).map(resolve);
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
  return value;
}

function text(value: GraphValue | undefined, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

function fileStem(node: ResourceNode): string {
  const metadata = node.inputs["metadata"];
  const name = isRecord(metadata) ? text(metadata["name"], node.name) : node.name;
  const namespace = isRecord(metadata) ? text(metadata["namespace"], "") : "";
  const parts = [text(node.inputs["kind"], "object").toLowerCase(), namespace, name];
  return parts
    .filter((part) => part !== "")
    .join("-")
    .replace(/[^a-zA-Z0-9.-]/g, "_");
}

/** Every Kubernetes object of a graph as YAML, in an order in which `kubectl apply` can create them. */
export function manifestsOf(graph: ResourceGraph): Manifest[] {
  return creationOrder(graph)
    .filter(isKubernetesObject)
    .map((node, index) => {
      const { apiVersion = null, kind = null, metadata = null, ...rest } = node.inputs;
      const object: GraphValue = { apiVersion, kind, metadata, ...rest };
      return {
        fileName: `${String(index + 1).padStart(3, "0")}-${fileStem(node)}.yaml`,
        urn: node.urn,
        yaml: stringify(resolve(object), { lineWidth: 0 }),
        unresolved: pathsWhere(object, (leaf) => isUnknown(leaf) || isSecret(leaf)),
      };
    });
}

/** Every Helm release of a graph, in creation order. */
export function helmReleasesOf(graph: ResourceGraph): HelmRelease[] {
  return creationOrder(graph)
    .filter((node) => node.type === RELEASE_TYPE)
    .map(({ urn, name, inputs }) => {
      const repository = inputs["repositoryOpts"];
      return {
        urn,
        release: text(inputs["name"], name),
        namespace: text(inputs["namespace"], "default"),
        chart: text(inputs["chart"], ""),
        version: text(inputs["version"], ""),
        repository: isRecord(repository) ? text(repository["repo"], "") : "",
        values: inputs["values"] ?? {},
      };
    });
}
