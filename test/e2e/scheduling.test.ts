import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GPU_POOL_LABEL } from "../../components/gpu/gpu-pool.ts";
import { graphOf } from "../../plan/stack-plan.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { SHIPPED } from "../policy/environments.ts";
import { startApiServer, type ApiServer } from "./cluster/api-server.ts";
import { startScheduler } from "./cluster/control-plane.ts";
import type { KubeObject } from "./cluster/kube-object.ts";
import { addNode } from "./cluster/nodes.ts";
import { nodesOf } from "./cluster/pool-nodes.ts";
import { isWorkload, objectsOf, podOf } from "./cluster/stack-objects.ts";
import { STACKS } from "./offline-plan.ts";

/** Where the scheduler put a pod, or why nowhere. */
type Placement =
  { readonly kind: "placed"; readonly node: string } | { readonly kind: "nowhere"; readonly why: string };

const SYSTEM_LABEL = "llmops.io/node-role";
const COMPUTE_CLASS = "cloud.google.com/compute-class";

function whyOf(placement: Placement | undefined): string {
  return placement?.kind === "nowhere" ? placement.why : "placed";
}

/** The account a controller makes in every namespace. */
function defaultAccount(namespace: string): KubeObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
}

interface PodSpec extends Readonly<Record<string, unknown>> {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
}

/** GKE itself adds the toleration of the class a pod selects; a bare API server does not. */
function asGke(pod: KubeObject): KubeObject {
  const spec = pod["spec"] as PodSpec;
  const value = spec.nodeSelector?.[COMPUTE_CLASS];
  if (value === undefined) return pod;
  const toleration = { key: COMPUTE_CLASS, operator: "Equal", value, effect: "NoSchedule" };
  return { ...pod, spec: { ...spec, tolerations: [...(spec.tolerations ?? []), toleration] } };
}

describe.each(SHIPPED)("the real scheduler on nodes of every pool of %s", (stack) => {
  const config = readStack(STACKS, stack);
  let api: ApiServer;
  let nodes: ReadonlyMap<string, Readonly<Record<string, string>>>;
  let workloads: readonly KubeObject[];

  beforeAll(async () => {
    const graph = await graphOf(stack, config);
    const objects = objectsOf(graph);
    api = await startApiServer();
    await startScheduler(api);
    const wanted = nodesOf(graph);
    nodes = new Map(wanted.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
    for (const node of wanted) {
      await addNode(api, node);
      // The server marks a new node as not ready; its kubelet and a controller would lift that.
      await api.send("PATCH", `/api/v1/nodes/${node.metadata.name}`, { spec: node["spec"] });
    }
    for (const object of objects) {
      if (object.kind === "Namespace" || object.kind === "ServiceAccount") await api.mustApply(object);
      if (object.kind === "Namespace") await api.mustApply(defaultAccount(object.metadata.name));
    }
    workloads = objects.filter(isWorkload);
  });

  afterAll(async () => {
    await api.close();
  });

  async function place(pod: KubeObject): Promise<Placement> {
    await api.mustApply(pod);
    const path = (await api.pathOf(pod)) ?? "";
    for (let tries = 0; tries < 600; tries += 1) {
      const { spec, status } = (await api.send("GET", path)).body as {
        spec: { nodeName?: string };
        status?: { conditions?: { reason?: string; message?: string }[] };
      };
      if (spec.nodeName !== undefined) return { kind: "placed", node: spec.nodeName };
      const refusal = status?.conditions?.find(({ reason }) => reason === "Unschedulable");
      if (refusal !== undefined) return { kind: "nowhere", why: refusal.message ?? "" };
      await setTimeout(50);
    }
    throw new Error(`${pod.metadata.name}: the scheduler said nothing`);
  }

  function named(pod: KubeObject, name: string): KubeObject {
    return { ...pod, metadata: { ...pod.metadata, name } };
  }

  it("puts every model onto its pool and everything else onto system nodes", async () => {
    const placed: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const workload of workloads) {
      const { name } = workload.metadata;
      const model = config.models.find((each) => each.name === name);
      const placement = await place(asGke(podOf(workload)));
      const labels = placement.kind === "placed" ? (nodes.get(placement.node) ?? {}) : {};
      placed[name] =
        placement.kind === "nowhere"
          ? placement.why
          : (labels[GPU_POOL_LABEL] ?? labels[SYSTEM_LABEL] ?? "?");
      expected[name] = model === undefined ? "system" : model.gpu.pool;
    }
    expect(placed).toEqual(expected);
    expect(config.models.length).toBeGreaterThan(0);
  });

  it("puts no model where it does not belong once its own nodes are full", async () => {
    for (const model of config.models) {
      const workload = workloads.find(({ metadata }) => metadata.name === model.name);
      if (workload === undefined) throw new Error(`no workload ${model.name}`);
      const own = [...nodes.values()].filter((labels) => labels[GPU_POOL_LABEL] === model.gpu.pool).length;
      const placements: Placement[] = [];
      // One is there already; one more than fits.
      for (let copy = 0; copy < own; copy += 1)
        placements.push(await place(named(asGke(podOf(workload)), `${model.name}-copy-${copy}`)));
      const pools = placements.map((placement) =>
        placement.kind === "placed" ? nodes.get(placement.node)?.[GPU_POOL_LABEL] : "nowhere",
      );
      expect(pools).toEqual([...Array<string>(own - 1).fill(model.gpu.pool), "nowhere"]);
      expect(whyOf(placements.at(-1))).toMatch(/Insufficient/);
    }
  });

  it("keeps pods that do not tolerate it off GPU nodes", async () => {
    const [model] = config.models;
    const workload = workloads.find(({ metadata }) => metadata.name === model?.name);
    if (workload === undefined) throw new Error("no model");
    const pod = podOf(workload);
    const spec = { ...(pod["spec"] as PodSpec), tolerations: [] };
    expect(whyOf(await place(named({ ...pod, spec }, "intolerant")))).toMatch(/untolerated taint/);
  });
});
