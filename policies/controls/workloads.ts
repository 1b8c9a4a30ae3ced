import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { valueAt, type GraphValue } from "../../graph/values.ts";

/** Where each type keeps the pods it makes. */
const POD_TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "kubernetes:apps/v1:DaemonSet": ["spec.template"],
  "kubernetes:apps/v1:Deployment": ["spec.template"],
  "kubernetes:apps/v1:StatefulSet": ["spec.template"],
  "kubernetes:batch/v1:CronJob": ["spec.jobTemplate.spec.template"],
  "kubernetes:batch/v1:Job": ["spec.template"],
  "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet": [
    "spec.leaderWorkerTemplate.leaderTemplate",
    "spec.leaderWorkerTemplate.workerTemplate",
  ],
};

/** A workload as if its pods stood under `spec.template`, once for each kind of pod; what is unknown stays unknown. */
function views(node: ResourceNode): ResourceNode[] {
  return (POD_TEMPLATES[node.type] ?? []).map((path) => {
    if (path === "spec.template") return node;
    const template: GraphValue = valueAt(node.inputs, path) ?? null;
    return { ...node, inputs: { ...node.inputs, spec: { template } } };
  });
}

/** Everything that makes pods, except what charts create. */
export function workloads(graph: ResourceGraph): ResourceNode[] {
  return graph.nodes.flatMap(views);
}
