import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prerequisites } from "../../graph/graph.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { startEngine, type Engine } from "./engine.ts";
import { cloudUrns, planned, STACKS, typeOf } from "./offline-plan.ts";

/** Shows nothing: what a run did is read from the providers, the state and the summary. */
const QUIET = { suppressProgress: true, suppressOutputs: true } as const;

let engine: Engine;

function urnsIn(stack: string): string[] {
  return (engine.state(stack).resources ?? []).map(({ urn }) => urn);
}

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.close();
});

const CASES = [
  {
    name: "acme-staging",
    cluster: "aws:eks/cluster:Cluster",
    network: "aws:ec2/vpc:Vpc",
    changed: { "aws:eks/nodeGroup:NodeGroup": 2 },
    kept: 13,
  },
  {
    name: "dev",
    cluster: "gcp:container/cluster:Cluster",
    network: "gcp:compute/network:Network",
    changed: { "gcp:container/nodePool:NodePool": 1 },
    kept: 0,
  },
  {
    name: "acme-prod",
    cluster: "aws:eks/cluster:Cluster",
    network: "aws:ec2/vpc:Vpc",
    changed: { "kubernetes:karpenter.sh/v1:NodePool": 2 },
    kept: 23,
  },
  {
    name: "globex-prod",
    cluster: "gcp:container/cluster:Cluster",
    network: "gcp:compute/network:Network",
    changed: { "gcp:container/nodePool:NodePool": 3 },
    kept: 7,
  },
] as const;

describe.each(CASES)(
  "the real engine over stand-in providers: $name",
  ({ name, cluster, network, changed, kept }) => {
    let poolMax: number | undefined;
    const config = (): PlatformConfig => {
      const read = readStack(STACKS, name);
      return {
        ...read,
        gpuPools: read.gpuPools.map((pool) => ({
          ...pool,
          nodes: { ...pool.nodes, max: poolMax ?? pool.nodes.max },
        })),
      };
    };

    it("leaves a state that can be resumed when the cluster cannot be created", async () => {
      const stack = await engine.stack(name, { config });
      engine.failCreateOf(cluster);
      await expect(stack.up()).rejects.toThrow("fails on purpose");
      const before = engine.operations().filter(({ urn }) => typeOf(urn) === network);
      engine.failCreateOf(undefined);
      await stack.up(QUIET);
      const after = engine.operations().filter(({ urn }) => typeOf(urn) === network);
      expect([before.length, after.length]).toEqual([1, 0]);
    });

    it("has created exactly the resources of the offline plan", () => {
      expect(urnsIn(name).sort()).toEqual(
        planned(name)
          .nodes.map(({ urn }) => urn)
          .sort(),
      );
    });

    it("changes nothing in a second run", async () => {
      const stack = await engine.stack(name, { config });
      const { summary } = await stack.up(QUIET);
      expect(summary.resourceChanges).toEqual({ same: planned(name).nodes.length });
      expect(engine.operations()).toEqual([]);
    });

    it("changes only the node groups of a pool whose ceiling changed", async () => {
      poolMax = 3;
      const stack = await engine.stack(name, { config });
      await stack.up(QUIET);
      const operations = engine.operations();
      expect(operations.every(({ operation }) => operation === "update")).toBe(true);
      const counts = Object.entries(Object.groupBy(operations, ({ urn }) => typeOf(urn)));
      expect(Object.fromEntries(counts.map(([type, list]) => [type, list?.length]))).toEqual(changed);
    });

    it("keeps the kubeconfig out of the state's plain text", () => {
      const state = engine.stateFile(name);
      expect(state).toContain('"ciphertext"');
      expect(state).not.toContain("client.authentication.k8s.io");
    });

    it("keeps a locked audit log, and destroys Kubernetes objects, then the cluster, then the network", async () => {
      const stack = await engine.stack(name, { config });
      const graph = planned(name);
      const urnsWith = (option: "protect" | "retainOnDelete"): string[] =>
        graph.nodes.filter(({ custom, options }) => custom && options[option]).map(({ urn }) => urn);
      const locked = urnsWith("protect");
      expect(locked).toHaveLength(kept);
      // Besides, configurations that earlier pods of the gateway may still read: they end with their namespace.
      const keptUrns = new Set(urnsWith("retainOnDelete"));
      // The engine deletes what it may and then fails because of what is protected.
      if (kept > 0) await expect(stack.destroy()).rejects.toThrow(/protect/);
      const first = engine.operations();
      if (kept > 0) {
        const left = urnsIn(name);
        expect(locked.filter((urn) => !left.includes(urn))).toEqual([]);
        engine.unprotect(name);
      }
      await stack.destroy(QUIET);
      const operations = [...first, ...engine.operations()];
      expect(operations.every(({ operation }) => operation === "delete")).toBe(true);
      const deleted = operations.map(({ urn }) => urn);
      expect(deleted.toSorted()).toEqual(cloudUrns(graph).filter((urn) => !keptUrns.has(urn)));
      const position = new Map(deleted.map((urn, index) => [urn, index]));
      const tooEarly = graph.nodes.flatMap((node) =>
        prerequisites(node)
          .filter((needed) => (position.get(needed) ?? Infinity) < (position.get(node.urn) ?? -1))
          .map((needed) => `${needed} before ${node.urn}`),
      );
      expect(tooEarly).toEqual([]);
      const order = deleted.map(typeOf);
      const objects = order.flatMap((type, index) => (type.startsWith("kubernetes:") ? [index] : []));
      expect(objects.length).toBeGreaterThan(0);
      expect(Math.max(...objects)).toBeLessThan(order.indexOf(cluster));
      expect(order.indexOf(cluster)).toBeLessThan(order.indexOf(network));
      expect(urnsIn(name)).toEqual([]);
    });
  },
);
