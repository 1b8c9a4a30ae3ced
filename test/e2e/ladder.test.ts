import { afterEach, describe, expect, it } from "vitest";
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

/** Sum of the weights of the first and the second rung. */
const FIRST_WEIGHTS = 100 + 99;

interface NodePool extends KubeObject {
  readonly spec: {
    readonly weight: number;
    readonly limits: Readonly<Record<string, number>>;
    readonly template: {
      readonly spec: {
        readonly requirements: readonly { readonly key: string; readonly values: readonly string[] }[];
      };
    };
  };
}

function valuesOf(pool: NodePool, key: string): readonly string[] {
  return pool.spec.template.spec.requirements.find((each) => each.key === key)?.values ?? [];
}

/** Every machine type of the pools in each of their zones, under the contracts that are to be had. */
function offersFor(pools: readonly NodePool[], offered: readonly Rung[]): Offer[] {
  const places = new Set(
    pools.flatMap((pool) =>
      valuesOf(pool, "node.kubernetes.io/instance-type").flatMap((type) =>
        valuesOf(pool, "topology.kubernetes.io/zone").map((zone) => `${type} ${zone}`),
      ),
    ),
  );
  return [...places].flatMap((place) => {
    const [instanceType = "", zone = ""] = place.split(" ");
    return offered.map((rung) => ({ instanceType, zone, capacityType: rung, price: PRICES[rung] }));
  });
}

const stack = readStack(STACKS, STACK);
const pool = stack.gpuPools.find(({ name }) => name === "l40s");
let api: ApiServer | undefined;

afterEach(async () => {
  await api?.close();
  api = undefined;
});

interface Cluster {
  /** Adds pods of the model. */
  readonly add: (count: number, change?: (pod: KubeObject) => KubeObject) => Promise<void>;
  /** Nodes Karpenter made, by how they are paid. */
  readonly nodes: () => Promise<Readonly<Partial<Record<string, number>>>>;
  /** Pods without a node. */
  readonly waiting: () => Promise<number>;
  /** What Karpenter said about pods it has no node for. */
  readonly refusals: () => Promise<readonly string[]>;
}

/** What differs from the stack on a cloud that has every rung. */
interface Difference {
  /** Rungs that are to be had. @default all */
  readonly offered?: readonly Rung[];
  /** Order of the pool's ladder. @default the stack's */
  readonly ladder?: readonly Rung[];
  /** Change of every NodePool. @default none */
  readonly turned?: (pool: NodePool) => NodePool;
}

/** The NodePools of the stack on a real Karpenter, whose simulated cloud has machines under some contracts. */
async function cluster({
  offered = RUNGS,
  ladder = RUNGS,
  turned = (each) => each,
}: Difference = {}): Promise<Cluster> {
  const gpuPools = stack.gpuPools.map((each) =>
    each.name === pool?.name ? { ...each, capacity: [...ladder] } : each,
  );
  const objects = objectsOf(await graphOf(STACK, { ...stack, gpuPools }));
  const pools = objects.filter((each): each is NodePool => each.kind === "NodePool");
  const workload = objects.find((each) => isWorkload(each) && each.metadata.name === MODEL);
  if (workload === undefined) throw new Error(`no workload ${MODEL}`);
  const server = await startApiServer();
  api = server;
  await Promise.all([startControllers(server), startScheduler(server), startKubelets(server)]);
  await startKarpenter(server, offersFor(pools, offered));
  for (const object of objects)
    if (object.kind === "Namespace" || object.kind === "ServiceAccount") await server.mustApply(object);
  for (const each of pools) await server.mustApply(onSimulatedCloud(turned(each)));
  const pod = podOf(workload);
  const items = async <T>(path: string): Promise<readonly T[]> =>
    (await server.send("GET", path)).body["items"] as readonly T[];
  let added = 0;
  return {
    add: async (count, shape = (each) => each) => {
      for (let index = 0; index < count; index += 1) {
        added += 1;
        await server.mustApply(shape({ ...pod, metadata: { ...pod.metadata, name: `${MODEL}-${added}` } }));
      }
    },
    nodes: async () => {
      const nodes = await items<KubeObject & { metadata: { labels: Record<string, string> } }>(
        "/api/v1/nodes",
      );
      const count: Partial<Record<string, number>> = {};
      for (const { metadata } of nodes) {
        const rung = metadata.labels["karpenter.sh/capacity-type"] ?? "none";
        count[rung] = (count[rung] ?? 0) + 1;
      }
      return count;
    },
    waiting: async () =>
      (
        await items<{ spec: { nodeName?: string } }>(
          `/api/v1/namespaces/${pod.metadata.namespace ?? ""}/pods`,
        )
      ).filter(({ spec }) => spec.nodeName === undefined).length,
    refusals: async () =>
      (await items<{ reason: string; message: string; source: { component: string } }>("/api/v1/events"))
        .filter(({ reason, source }) => reason === "FailedScheduling" && source.component === "karpenter")
        .map(({ message }) => message),
  };
}

describe(`the NodePools of ${STACK} on a real Karpenter`, { timeout: 300_000 }, () => {
  it("has machines for one replica on each", () => {
    expect(pool).toMatchObject({ gpusPerNode: 1, capacity: RUNGS, provisioner: "karpenter" });
  });

  it("fill the first rung, then the second, and go beyond neither's limit", async () => {
    const max = pool?.nodes.max ?? 0;
    const { add, nodes, waiting, refusals } = await cluster();
    await add(1);
    await expect.poll(waiting, PATIENCE).toBe(0);
    expect(await nodes()).toEqual({ "on-demand": 1 });
    await add(max - 1);
    await expect.poll(waiting, PATIENCE).toBe(0);
    expect(await nodes()).toEqual({ "on-demand": max });
    await add(1);
    await expect.poll(waiting, PATIENCE).toBe(0);
    expect(await nodes()).toEqual({ "on-demand": max, spot: 1 });
    await add(max);
    await expect.poll(waiting, PATIENCE).toBe(1);
    await expect.poll(refusals, PATIENCE).toContainEqual(expect.stringMatching(/limit/));
    expect(await nodes()).toEqual({ "on-demand": max, spot: max });
  });

  it("keep one limit over both rungs where Karpenter's own order is the ladder's", async () => {
    const max = pool?.nodes.max ?? 0;
    const { add, nodes, waiting, refusals } = await cluster({ ladder: ["spot", "on-demand"] });
    await add(max);
    await expect.poll(waiting, PATIENCE).toBe(0);
    await add(1);
    await expect.poll(refusals, PATIENCE).toContainEqual(expect.stringMatching(/limit/));
    const counts = Object.values(await nodes()).map((count = 0) => count);
    expect([counts.reduce((sum, count) => sum + count, 0), await waiting()]).toEqual([max, 1]);
  });

  it("go on to the second rung while the first is not to be had", async () => {
    const { add, nodes, waiting } = await cluster({ offered: ["spot"] });
    await add(2);
    await expect.poll(waiting, PATIENCE).toBe(0);
    expect(await nodes()).toEqual({ spot: 2 });
  });

  it("make no node for a pod that does not tolerate GPU nodes", async () => {
    const { add, nodes, waiting, refusals } = await cluster();
    await add(1, (pod) => ({ ...pod, spec: { ...(pod["spec"] as object), tolerations: [] } }));
    await expect.poll(refusals, PATIENCE).toContainEqual(expect.stringMatching(/taint/));
    expect([await nodes(), await waiting()]).toEqual([{}, 1]);
  });

  it("take their order from their weights: with these the other way round, the second rung comes first", async () => {
    const turned = (each: NodePool): NodePool => ({
      ...each,
      spec: { ...each.spec, weight: FIRST_WEIGHTS - each.spec.weight },
    });
    const { add, nodes, waiting } = await cluster({ turned });
    await add(1);
    await expect.poll(waiting, PATIENCE).toBe(0);
    expect(await nodes()).toEqual({ spot: 1 });
  });
});
