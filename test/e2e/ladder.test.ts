import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GPU_POOL_LABEL } from "../../components/gpu/gpu-pool.ts";
import { graphOf } from "../../plan/stack-plan.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { startApiServer, type ApiServer } from "./cluster/api-server.ts";
import { startControllers, startScheduler } from "./cluster/control-plane.ts";
import { onSimulatedCloud, startKarpenter, type Offer } from "./cluster/karpenter.ts";
import type { KubeObject } from "./cluster/kube-object.ts";
import { startKubelets } from "./cluster/nodes.ts";
import { isWorkload, objectsOf, podOf } from "./cluster/stack-objects.ts";
import { STACKS } from "./offline-plan.ts";

const STACK = "acme-prod";
const MODEL = "claims-assistant";
const PATIENCE = { timeout: 90_000, interval: 250 };

/** USD/h: the second rung is the cheaper one, so that a price cannot make the order. */
const PRICES = { "on-demand": 2, spot: 1 } as const;
type Rung = keyof typeof PRICES;
const RUNGS = Object.keys(PRICES) as Rung[];

const ZONE = "topology.kubernetes.io/zone";
const MACHINE = "node.kubernetes.io/instance-type";

/** Sum of the weights of the first and the second rung. */
const FIRST_WEIGHTS = 100 + 99;

interface NodePool extends KubeObject {
  readonly spec: {
    readonly weight: number;
    readonly limits: Readonly<Record<string, number>>;
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly requirements: readonly { readonly key: string; readonly values: readonly string[] }[];
      };
    };
  };
}

interface PodSpec extends Readonly<Record<string, unknown>> {
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

interface KarpenterEvent {
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component: string };
  readonly involvedObject: { readonly name: string };
}

function valuesOf(pool: NodePool, key: string): readonly string[] {
  return pool.spec.template.spec.requirements.find((each) => each.key === key)?.values ?? [];
}

/** What differs from the stack on a cloud that has every rung; each case has a zone and a pool of its own. */
interface Case {
  readonly name: string;
  /** Rungs that are to be had. @default all */
  readonly offered?: readonly Rung[];
  /** Whose order the pool's ladder has. @default the stack's */
  readonly order?: "karpenter";
  /** Change of every NodePool. @default none */
  readonly turned?: (pool: NodePool) => NodePool;
}

const FILLED: Case = { name: "filled" };
const SHARED: Case = { name: "shared", order: "karpenter" };
const AWAY: Case = { name: "away", offered: ["spot"] };
const INTOLERANT: Case = { name: "intolerant" };
const TURNED: Case = {
  name: "turned",
  turned: (pool) => ({ ...pool, spec: { ...pool.spec, weight: FIRST_WEIGHTS - pool.spec.weight } }),
};
const CASES = [FILLED, SHARED, AWAY, INTOLERANT, TURNED];

const stack = readStack(STACKS, STACK);
const gpuPool = stack.gpuPools.find(({ name }) => name === "l40s");

/** Objects of the stack with a ladder in another order. */
async function objectsWith(ladder: readonly Rung[]): Promise<readonly KubeObject[]> {
  const gpuPools = stack.gpuPools.map((each) =>
    each.name === gpuPool?.name ? { ...each, capacity: [...ladder] } : each,
  );
  return objectsOf(await graphOf(STACK, { ...stack, gpuPools }));
}

/** The pool's NodePools, for a case: as they are but for their name, their label and their zone. */
function poolsOf({ name, turned = (pool) => pool }: Case, objects: readonly KubeObject[]): NodePool[] {
  const pools = objects.filter(
    (each): each is NodePool =>
      each.kind === "NodePool" && (each as NodePool).metadata.labels?.[GPU_POOL_LABEL] === gpuPool?.name,
  );
  return pools.map(turned).map(({ metadata, spec, ...rest }) => ({
    ...rest,
    metadata: { ...metadata, name: `${metadata.name}-${name}` },
    spec: {
      ...spec,
      template: {
        metadata: { labels: { ...spec.template.metadata.labels, [GPU_POOL_LABEL]: name } },
        spec: {
          ...spec.template.spec,
          requirements: spec.template.spec.requirements.map((each) =>
            each.key === ZONE ? { ...each, values: [name] } : each,
          ),
        },
      },
    },
  }));
}

describe(`the NodePools of ${STACK} on a real Karpenter`, { timeout: 300_000 }, () => {
  let api: ApiServer;
  let pod: KubeObject;

  beforeAll(async () => {
    const objects = await objectsWith(RUNGS);
    const workload = objects.find((each) => isWorkload(each) && each.metadata.name === MODEL);
    if (workload === undefined) throw new Error(`no workload ${MODEL}`);
    pod = podOf(workload);
    const ordered = await objectsWith(["spot", "on-demand"]);
    const pools = CASES.map((each) => poolsOf(each, each.order === undefined ? objects : ordered));
    const offers = CASES.flatMap(({ name, offered = RUNGS }, index) =>
      offered.map((rung): Offer => {
        const [instanceType = ""] = pools[index]?.flatMap((each) => valuesOf(each, MACHINE)) ?? [];
        return { instanceType, zone: name, capacityType: rung, price: PRICES[rung] };
      }),
    );
    api = await startApiServer();
    await Promise.all([startControllers(api), startScheduler(api), startKubelets(api)]);
    await startKarpenter(api, offers);
    for (const object of objects)
      if (object.kind === "Namespace" || object.kind === "ServiceAccount") await api.mustApply(object);
    for (const each of pools.flat()) await api.mustApply(onSimulatedCloud(each));
  });

  afterAll(async () => {
    await api.close();
  });

  async function items<T>(path: string): Promise<readonly T[]> {
    return (await api.send("GET", path)).body["items"] as readonly T[];
  }

  /** Adds pods of the model that want the pool of a case. */
  async function add(
    { name }: Case,
    from: number,
    to: number,
    change: (spec: PodSpec) => PodSpec = (spec) => spec,
  ): Promise<void> {
    const spec = pod["spec"] as PodSpec;
    const wanting = { ...spec, nodeSelector: { ...spec.nodeSelector, [GPU_POOL_LABEL]: name } };
    for (let number = from; number <= to; number += 1)
      await api.mustApply({
        ...pod,
        metadata: { ...pod.metadata, name: `${name}-${number}` },
        spec: change(wanting),
      });
  }

  /** Nodes Karpenter made for a case, by how they are paid. */
  async function nodes({ name }: Case): Promise<Readonly<Record<string, number>>> {
    const all = await items<{ metadata: { labels: Record<string, string> } }>("/api/v1/nodes");
    const count: Record<string, number> = {};
    for (const { labels } of all.map(({ metadata }) => metadata)) {
      if (labels[GPU_POOL_LABEL] !== name) continue;
      const rung = labels["karpenter.sh/capacity-type"] ?? "none";
      count[rung] = (count[rung] ?? 0) + 1;
    }
    return count;
  }

  /** Pods of a case without a node. */
  async function waiting({ name }: Case): Promise<number> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace ?? ""}/pods`;
    const pods = await items<{ metadata: { name: string }; spec: { nodeName?: string } }>(path);
    return pods.filter(
      ({ metadata, spec }) => metadata.name.startsWith(`${name}-`) && spec.nodeName === undefined,
    ).length;
  }

  async function placed(each: Case): Promise<void> {
    await expect.poll(() => waiting(each), PATIENCE).toBe(0);
  }

  /** Waits until Karpenter says why it has no node for a pod of a case. */
  async function refused({ name }: Case, why: RegExp): Promise<void> {
    const said = async (): Promise<string[]> =>
      (await items<KarpenterEvent>("/api/v1/events"))
        .filter(({ reason, source, involvedObject }) =>
          [reason, source.component].join() === "FailedScheduling,karpenter"
            ? involvedObject.name.startsWith(`${name}-`)
            : false,
        )
        .map(({ message }) => message);
    await expect.poll(said, PATIENCE).toContainEqual(expect.stringMatching(why));
  }

  const max = gpuPool?.nodes.max ?? 0;

  it("has machines for one replica on each", () => {
    expect(gpuPool).toMatchObject({ gpusPerNode: 1, capacity: RUNGS, provisioner: "karpenter" });
  });

  it("fill the first rung, then the second, and go beyond neither's limit", async () => {
    await add(FILLED, 1, 1);
    await placed(FILLED);
    expect(await nodes(FILLED)).toEqual({ "on-demand": 1 });
    await add(FILLED, 2, max);
    await placed(FILLED);
    expect(await nodes(FILLED)).toEqual({ "on-demand": max });
    await add(FILLED, max + 1, max + 1);
    await placed(FILLED);
    expect(await nodes(FILLED)).toEqual({ "on-demand": max, spot: 1 });
    await add(FILLED, max + 2, 2 * max + 1);
    await expect.poll(() => waiting(FILLED), PATIENCE).toBe(1);
    await refused(FILLED, /limit/);
    expect(await nodes(FILLED)).toEqual({ "on-demand": max, spot: max });
  });

  it("keep one limit over both rungs where Karpenter's own order is the ladder's", async () => {
    await add(SHARED, 1, max);
    await placed(SHARED);
    await add(SHARED, max + 1, max + 1);
    await refused(SHARED, /limit/);
    const counts = Object.values(await nodes(SHARED));
    expect([counts.reduce((sum, count) => sum + count, 0), await waiting(SHARED)]).toEqual([max, 1]);
  });

  it("go on to the second rung while the first is not to be had", async () => {
    await add(AWAY, 1, 2);
    await placed(AWAY);
    expect(await nodes(AWAY)).toEqual({ spot: 2 });
  });

  it("make no node for a pod that does not tolerate GPU nodes", async () => {
    await add(INTOLERANT, 1, 1, (spec) => ({ ...spec, tolerations: [] }));
    await refused(INTOLERANT, /taint/);
    expect([await nodes(INTOLERANT), await waiting(INTOLERANT)]).toEqual([{}, 1]);
  });

  it("take their order from their weights: with these the other way round, the second rung comes first", async () => {
    await add(TURNED, 1, 1);
    await placed(TURNED);
    expect(await nodes(TURNED)).toEqual({ spot: 1 });
  });
});
