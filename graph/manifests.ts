import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { ResourceGraph, ResourceNode } from "./graph.ts";
import { isRecord, UNKNOWN, valueAt, type GraphValue } from "./values.ts";

/** Files that should describe resources do not. */
export class GraphFileError extends Error {
  override readonly name = "GraphFileError";
}

/** Text that `llmops plan` writes for a value nobody knows before deployment. */
const UNKNOWN_TEXT = "<known after deployment>";
const GATEWAY = "llmops:gateway:Gateway";
const GATEWAY_URN = "manifest:component/gateway";

function withUnknowns(value: GraphValue): GraphValue {
  if (value === UNKNOWN_TEXT) return UNKNOWN;
  if (Array.isArray(value)) return (value as readonly GraphValue[]).map(withUnknowns);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withUnknowns(item)]));
}

/** Type token of an object, for example `kubernetes:core/v1:ConfigMap`. */
function tokenOf(apiVersion: string, kind: string): string {
  return `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;
}

function nodeOf(object: GraphValue, file: string): ResourceNode {
  const [apiVersion, kind] = [valueAt(object, "apiVersion"), valueAt(object, "kind")];
  const [name, namespace] = [valueAt(object, "metadata.name"), valueAt(object, "metadata.namespace")];
  if (
    !isRecord(object) ||
    typeof apiVersion !== "string" ||
    typeof kind !== "string" ||
    typeof name !== "string"
  )
    throw new GraphFileError(`${file}: an object without apiVersion, kind or metadata.name`);
  const labels = valueAt(object, "metadata.labels");
  const isGateway = isRecord(labels) && labels["app.kubernetes.io/name"] === "llmops-gateway";
  const place = typeof namespace === "string" ? namespace : "";
  return {
    urn: `manifest:${apiVersion}/${kind}/${place}/${name}`,
    type: tokenOf(apiVersion, kind),
    name,
    ...(isGateway ? { parent: GATEWAY_URN } : {}),
    custom: true,
    inputs: object,
    dependencies: [],
    propertyDependencies: {},
    options: { protect: false, retainOnDelete: "not-visible", ignoreChanges: [] },
  };
}

function filesIn(place: string): string[] {
  if (!statSync(place, { throwIfNoEntry: false })?.isDirectory()) return [place];
  return readdirSync(place, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ya?ml|json)$/.test(file))
    .sort()
    .map((file) => join(place, file));
}

/**
 * Kubernetes objects of a file or folder (YAML or JSON, several objects per file) as a graph.
 * @throws GraphFileError naming the file when something in it is no object
 */
export function graphOfManifests(place: string, project: string, stack: string): ResourceGraph {
  const nodes = filesIn(place).flatMap((file) => {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch {
      throw new GraphFileError(`${file}: cannot be read`);
    }
    return parseAllDocuments(text).flatMap((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw new GraphFileError(`${file}: ${error.message.split("\n")[0] ?? ""}`);
      const value = document.toJS() as GraphValue;
      if (value === null) return [];
      const items = valueAt(value, "items");
      const objects =
        valueAt(value, "kind") === "List" && Array.isArray(items)
          ? (items as readonly GraphValue[])
          : [value];
      return objects.map((object) => nodeOf(withUnknowns(object), file));
    });
  });
  if (nodes.length === 0) throw new GraphFileError(`${place}: there is no Kubernetes object`);
  const gateway: ResourceNode = {
    urn: GATEWAY_URN,
    type: GATEWAY,
    name: "gateway",
    custom: false,
    inputs: {},
    dependencies: [],
    propertyDependencies: {},
    options: { protect: false, retainOnDelete: "not-visible", ignoreChanges: [] },
  };
  const hasGateway = nodes.some(({ parent }) => parent === GATEWAY_URN);
  return { project, stack, nodes: hasGateway ? [gateway, ...nodes] : nodes };
}
