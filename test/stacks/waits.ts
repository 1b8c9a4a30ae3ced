import { byUrn, prerequisites, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";

/** A Kubernetes object for which `pulumi up` would wait until its time is over. */
export interface WaitInVain {
  /** Logical name. */
  readonly name: string;
  readonly why: string;
}

/** Kinds the provider waits for until their pods are there, or until their controller has done its part. */
const AWAITED =
  /^kubernetes:(core\/v1:(Service|Pod|PersistentVolume|ReplicationController)|apps\/v1:\w+|batch\/v1:Job|networking\.k8s\.io\/v1:Ingress)$/;

const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
const SECRET = "kubernetes:core/v1:Secret";
const ACCOUNT = "kubernetes:core/v1:ServiceAccount";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

/** An object that a pod names. */
interface Reference {
  readonly type: string;
  readonly name: GraphValue;
  readonly presence: "required" | "optional";
}

/** Where pods come from. */
interface PodSource {
  readonly node: ResourceNode;
  readonly template: GraphValue;
  readonly replicas: GraphValue | undefined;
  /** What stands behind the template, besides what it names. */
  readonly madeBy: readonly ResourceNode[];
}

const at = ({ inputs }: ResourceNode, path: string): GraphValue | undefined => valueAt(inputs, path);

const listAt = (value: GraphValue, path: string): readonly GraphValue[] => {
  const found = valueAt(value, path);
  return Array.isArray(found) ? (found as readonly GraphValue[]) : [];
};

/** Whether the provider waits for the object. @see https://github.com/pulumi/pulumi-kubernetes/tree/master/provider/pkg/await */
function isAwaited(node: ResourceNode): boolean {
  const annotations = at(node, "metadata.annotations");
  if (isRecord(annotations) && annotations["pulumi.com/skipAwait"] === "true") return false;
  if (node.type !== "kubernetes:core/v1:Service") return AWAITED.test(node.type);
  const selects = at(node, "spec.selector") !== undefined && at(node, "spec.type") !== "ExternalName";
  return selects && at(node, "spec.clusterIP") !== "None";
}

function isSame(
  namespace: GraphValue | undefined,
  name: GraphValue | undefined,
  node: ResourceNode,
): boolean {
  return at(node, "metadata.namespace") === namespace && at(node, "metadata.name") === name;
}

/** What a pod reads, mounts and runs as. */
function referencesOf(template: GraphValue): Reference[] {
  const named = (type: string, holder: GraphValue, path: string, key = "name"): Reference[] => {
    const found = valueAt(holder, path);
    const name = found === undefined ? undefined : valueAt(found, key);
    if (found === undefined || name === undefined) return [];
    return [{ type, name, presence: valueAt(found, "optional") === true ? "optional" : "required" }];
  };
  const volumes = listAt(template, "spec.volumes");
  const sources = [...volumes, ...volumes.flatMap((volume) => listAt(volume, "projected.sources"))];
  const containers = [...listAt(template, "spec.initContainers"), ...listAt(template, "spec.containers")];
  return [
    ...named(ACCOUNT, template, "spec", "serviceAccountName"),
    ...sources.flatMap((source) => [
      ...named(CONFIG_MAP, source, "configMap"),
      ...named(SECRET, source, "secret", "secretName"),
      ...named(SECRET, source, "secret"),
      ...named(CLAIM, source, "persistentVolumeClaim", "claimName"),
    ]),
    ...containers.flatMap((container) => [
      ...listAt(container, "env").flatMap((variable) => [
        ...named(CONFIG_MAP, variable, "valueFrom.configMapKeyRef"),
        ...named(SECRET, variable, "valueFrom.secretKeyRef"),
      ]),
      ...listAt(container, "envFrom").flatMap((all) => [
        ...named(CONFIG_MAP, all, "configMapRef"),
        ...named(SECRET, all, "secretRef"),
      ]),
    ]),
  ];
}

/** Questions about the objects of one graph. */
class Objects {
  readonly #graph: ResourceGraph;
  readonly #sources: readonly PodSource[];
  readonly #asleep: ReadonlySet<string>;

  constructor(graph: ResourceGraph) {
    this.#graph = graph;
    this.#sources = graph.nodes.flatMap((node) => this.#sourceOf(node) ?? []);
    this.#asleep = new Set(
      graph.nodes.flatMap((node) =>
        node.type.endsWith(":ScaledObject") && at(node, "spec.minReplicaCount") === 0
          ? this.#target(node)
          : [],
      ),
    );
  }

  #target(scaler: ResourceNode): string[] {
    const kind = at(scaler, "spec.scaleTargetRef.kind") ?? "Deployment";
    return this.#graph.nodes
      .filter(
        (node) =>
          node.type.split(":").at(-1) === kind &&
          isSame(at(scaler, "metadata.namespace"), at(scaler, "spec.scaleTargetRef.name"), node),
      )
      .map(({ urn }) => urn);
  }

  #sourceOf(node: ResourceNode): PodSource | undefined {
    const replicas = at(node, "spec.replicas");
    const described =
      node.type === "kubernetes:argoproj.io/v1alpha1:Rollout"
        ? this.#find(DEPLOYMENT, at(node, "metadata.namespace"), at(node, "spec.workloadRef.name"))
        : node;
    const template =
      described === undefined
        ? undefined
        : (at(described, "spec.template") ?? at(described, "spec.leaderWorkerTemplate.leaderTemplate"));
    if (described === undefined || template === undefined) return undefined;
    return { node, template, replicas, madeBy: described === node ? [] : [described] };
  }

  #find(
    type: string,
    namespace: GraphValue | undefined,
    name: GraphValue | undefined,
  ): ResourceNode | undefined {
    return this.#graph.nodes.find((node) => node.type === type && isSame(namespace, name, node));
  }

  /** Workloads whose pods an awaited object waits for, or why there will be none. */
  podsOf(awaited: ResourceNode): readonly PodSource[] | string {
    if (awaited.type !== "kubernetes:core/v1:Service") {
      const own = this.#sources.filter(({ node }) => node === awaited);
      if (own.length === 0) return "it is not known what this kind waits for";
      return own.filter(({ replicas }) => replicas !== 0);
    }
    const selector = at(awaited, "spec.selector");
    if (!isRecord(selector)) return "its selector is not known";
    const chosen = this.#sources.filter(
      ({ node, template, replicas }) =>
        replicas !== 0 &&
        at(node, "metadata.namespace") === at(awaited, "metadata.namespace") &&
        Object.entries(selector).every(([key, value]) => {
          const labels = valueAt(template, "metadata.labels");
          return isRecord(labels) && labels[key] === value;
        }),
    );
    if (chosen.length === 0) return "no workload of the stack starts pods that it selects";
    const asleep = chosen.find(({ node }) => this.#asleep.has(node.urn));
    return asleep === undefined ? chosen : `${asleep.node.name} may sleep without pods`;
  }

  /** What must exist before the first pod, or why it never starts. */
  startsWith({ node, template, madeBy }: PodSource): readonly ResourceNode[] | string {
    const namespace = at(node, "metadata.namespace");
    const needs = [node, ...madeBy];
    for (const { type, name, presence } of referencesOf(template)) {
      if (typeof name !== "string") return `its pods name a ${type} that is known after deployment only`;
      const found = this.#find(type, namespace, name);
      if (found !== undefined) needs.push(found);
      else if (presence === "required" && type !== SECRET)
        return `its pods need the ${type.split(":")[2] ?? type} ${name}, which the stack does not have`;
    }
    return needs;
  }
}

/** Everything that is complete before a resource is created: its prerequisites, and what the awaited among them wait for. */
function before(start: ResourceNode, graph: ResourceGraph, objects: Objects): ReadonlySet<ResourceNode> {
  const index = byUrn(graph);
  const complete = new Set<ResourceNode>();
  const created = new Set<ResourceNode>();
  const pending = [start];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (created.has(node)) continue;
    created.add(node);
    for (const urn of prerequisites(node)) {
      const needed = index.get(urn);
      if (needed === undefined) continue;
      complete.add(needed);
      pending.push(needed);
      const pods = isAwaited(needed) ? objects.podsOf(needed) : [];
      for (const source of typeof pods === "string" ? [] : pods) {
        const parts = objects.startsWith(source);
        if (typeof parts !== "string") pending.push(...parts);
      }
    }
  }
  return complete;
}

function reasonOf(awaited: ResourceNode, graph: ResourceGraph, objects: Objects): string | undefined {
  const pods = objects.podsOf(awaited);
  if (typeof pods === "string") return pods;
  for (const source of pods) {
    const needs = objects.startsWith(source);
    if (typeof needs === "string") return needs;
    const circle = needs.find((node) => node !== awaited && before(node, graph, objects).has(awaited));
    if (circle !== undefined) return `it waits for ${circle.name}, which is created after it`;
  }
  return undefined;
}

/**
 * Objects whose wait cannot end: the provider waits for their pods, but none start, or only after something that itself comes
 * later. It says nothing about Secrets that somebody else fills, claims (the provider knows classes that bind with the first pod), room for
 * pods, images, probes, or what a chart waits for inside.
 */
export function waitsInVain(graph: ResourceGraph): WaitInVain[] {
  const objects = new Objects(graph);
  return graph.nodes.filter(isAwaited).flatMap((node) => {
    const why = reasonOf(node, graph, objects);
    return why === undefined ? [] : [{ name: node.name, why }];
  });
}
