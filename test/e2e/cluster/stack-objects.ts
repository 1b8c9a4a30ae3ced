import type { ResourceGraph } from "../../../graph/graph.ts";
import { manifestsOf } from "../../../plan/manifests.ts";
import { parse } from "yaml";
import type { KubeObject } from "./kube-object.ts";

/** Every Kubernetes object of a plan, exactly as its manifest has it, in creation order. */
export function objectsOf(graph: ResourceGraph): KubeObject[] {
  return manifestsOf(graph).map(({ yaml }) => parse(yaml) as KubeObject);
}

/** Kinds that start pods. */
const WORKLOADS = new Set(["Deployment", "StatefulSet", "DaemonSet", "Rollout"]);

/** Whether an object starts pods. */
export function isWorkload({ kind }: KubeObject): boolean {
  return WORKLOADS.has(kind);
}

/** The pod a workload would start, under a name of its own. */
export function podOf(workload: KubeObject): KubeObject {
  const { template } = workload["spec"] as {
    template: { metadata?: { labels?: Record<string, string> }; spec: Record<string, unknown> };
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${workload.metadata.name}-probe`,
      namespace: workload.metadata.namespace ?? "default",
      labels: template.metadata?.labels ?? {},
    },
    spec: template.spec,
  };
}
