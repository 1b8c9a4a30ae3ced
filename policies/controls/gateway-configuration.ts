import { parse } from "yaml";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
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

function read(node: ResourceNode): GatewayView {
  const text = valueAt(node.inputs, "data");
  const file =
    text === undefined || isUnknown(text)
      ? undefined
      : (text as Readonly<Record<string, GraphValue>>)["gateway.yaml"];
  if (typeof file !== "string") return { node, configuration: { $unknown: true } };
  return { node, configuration: parse(file) as GraphValue };
}

/** Views by their resource: most controls ask, and reading the file took most of the time of a judgement. */
const views = new WeakMap<ResourceNode, GatewayView>();

/** The gateway's configuration in the graph; undefined without a gateway. */
export function gatewayOf(graph: ResourceGraph): GatewayView | undefined {
  const node = graph.nodes.find(
    (each) =>
      each.type === "kubernetes:core/v1:ConfigMap" &&
      isBelow(graph, each, ["llmops:gateway:Gateway"]) &&
      !isReport(each),
  );
  if (node === undefined) return undefined;
  const view = views.get(node) ?? read(node);
  views.set(node, view);
  return view;
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
