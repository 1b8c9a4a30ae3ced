import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";

/** Deployments that ask for GPUs: the engines. */
export function engines(graph: ResourceGraph): ResourceNode[] {
  return graph.nodes.filter(
    ({ type, inputs }) =>
      type === "kubernetes:apps/v1:Deployment" &&
      valueAt(inputs, "spec.template.metadata.labels") !== undefined &&
      JSON.stringify(inputs).includes('"nvidia.com/gpu"'),
  );
}

/** Whether a selector's labels fit; a selector without labels selects everything. */
export function selects(wanted: GraphValue | undefined, labels: GraphValue | undefined): boolean {
  if (!isRecord(wanted)) return true;
  return isRecord(labels) && Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
