import { parse } from "yaml";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isRecord, UNKNOWN, valueAt, type GraphValue } from "../../graph/values.ts";
import { isBelow, listed } from "./reading.ts";

/** Configuration of the gateway as the cluster will see it. */
export interface GatewayView {
  readonly node: ResourceNode;
  /** Parsed file; `unknown` before deployment or when nobody can read it. */
  readonly configuration: GraphValue;
}

/** A signed evaluation beside the configuration. */
function isReport({ inputs }: ResourceNode): boolean {
  const data = valueAt(inputs, "data");
  return isRecord(data) && "report.json" in data;
}

const VIEWS = new WeakMap<ResourceNode, GatewayView>();

/** What a ConfigMap configures; read once, because many controls ask. */
function viewOf(node: ResourceNode): GatewayView {
  const known = VIEWS.get(node);
  if (known !== undefined) return known;
  const data = valueAt(node.inputs, "data");
  const file = isRecord(data) ? data["gateway.yaml"] : undefined;
  const view = { node, configuration: typeof file === "string" ? (parse(file) as GraphValue) : UNKNOWN };
  VIEWS.set(node, view);
  return view;
}

/** The gateway's configuration in the graph; undefined without a gateway. */
export function gatewayOf(graph: ResourceGraph): GatewayView | undefined {
  const node = graph.nodes.find(
    (each) =>
      each.type === "kubernetes:core/v1:ConfigMap" &&
      isBelow(graph, each, ["llmops:gateway:Gateway"]) &&
      !isReport(each),
  );
  return node === undefined ? undefined : viewOf(node);
}

/** Whether a key of the administration interface has a role. */
export function hasRole(
  { configuration }: GatewayView,
  role: "review" | "erase" | "stop" | "throttle",
): boolean {
  return listed(valueAt(configuration, "admin.keys")).some((key) =>
    listed(valueAt(key, "roles")).includes(role),
  );
}
