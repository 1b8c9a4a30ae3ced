import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";
import { listed } from "./reading.ts";
import { workloads } from "./workloads.ts";

/** Types whose pods answer for long; a Job that uses a GPU serves nobody. */
const SERVING = ["kubernetes:apps/v1:Deployment", "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet"];

/** Whether every container only sleeps: such pods hold a GPU and answer nobody. */
function sleeps(node: ResourceNode): boolean {
  const containers = listed(valueAt(node.inputs, "spec.template.spec.containers"));
  return (
    containers.length > 0 &&
    containers.every(
      (each) => JSON.stringify(valueAt(each, "command")) === JSON.stringify(["sleep", "infinity"]),
    )
  );
}

/** Workloads that ask for GPUs and answer: the engines. */
export function engines(graph: ResourceGraph): ResourceNode[] {
  return workloads(graph).filter(
    (node) =>
      SERVING.includes(node.type) &&
      valueAt(node.inputs, "spec.template.metadata.labels") !== undefined &&
      JSON.stringify(node.inputs).includes('"nvidia.com/gpu"') &&
      !sleeps(node),
  );
}

/** Whether a selector's labels fit; a selector without labels selects everything. */
export function selects(wanted: GraphValue | undefined, labels: GraphValue | undefined): boolean {
  if (!isRecord(wanted)) return true;
  return isRecord(labels) && Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
