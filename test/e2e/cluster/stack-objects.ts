import type { ResourceGraph } from "../../../graph/graph.ts";
import { manifestsOf } from "../../../plan/manifests.ts";
import { parse } from "yaml";
import type { KubeObject } from "./kube-object.ts";

/** Every Kubernetes object of a plan, exactly as its manifest has it but for the values of secrets, in creation order. */
export function objectsOf(graph: ResourceGraph): KubeObject[] {
  return manifestsOf(graph).map(({ yaml }) => withoutSecretMark(parse(yaml) as KubeObject));
}

/** A secret's values are not in the plan: its manifest has a mark in their place, which no server takes. */
function withoutSecretMark(object: KubeObject): KubeObject {
  return object.kind === "Secret" && typeof object["stringData"] === "string"
    ? { ...object, stringData: { value: "secret" } }
    : object;
}

/** Kinds that hold the template of a pod; a Rollout refers to the Deployment that does. */
const WORKLOADS = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

/** Whether an object starts pods. */
export function isWorkload({ kind }: KubeObject): boolean {
  return WORKLOADS.has(kind);
}

interface WorkloadSpec {
  readonly template: {
    readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
    readonly spec: Readonly<Record<string, unknown>> & { readonly volumes?: readonly object[] };
  };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

/** The pod a workload would start, under a name of its own; an empty folder stands for each volume that would be claimed. */
export function podOf(workload: KubeObject): KubeObject {
  const { template, volumeClaimTemplates = [] } = workload["spec"] as WorkloadSpec;
  const claimed = volumeClaimTemplates.map(({ metadata: { name } }) => ({ name, emptyDir: {} }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${workload.metadata.name}-probe`,
      namespace: workload.metadata.namespace ?? "default",
      labels: template.metadata?.labels ?? {},
    },
    spec: { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claimed] },
  };
}
