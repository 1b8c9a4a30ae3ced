import { parseAllDocuments } from "yaml";
import { describe, expect, it } from "vitest";
import {
  destroyOrder,
  ofType,
  prerequisites,
  type ResourceGraph,
  type ResourceNode,
} from "../graph/graph.ts";
import { capture } from "../plan/capture.ts";
import { planStack } from "../plan/stack-plan.ts";
import { sharedPlan } from "../plan/testing/shared-plan.ts";
import { planOf, resourceCount, typeCounts, type Plan } from "../plan/plan.ts";
import { platformProgram } from "../stacks/program.ts";
import { readStack, stackNames } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER } from "./context.ts";

async function planAnew(stack: string): Promise<Plan> {
  const config = readStack(STACKS_FOLDER, stack);
  return planOf(await capture({ stack, program: () => platformProgram(config) }));
}

/** The plan of a shipped stack, for tests that only read it. */
async function plan(stack: string): Promise<Plan> {
  return (await sharedPlan(stack, readStack(STACKS_FOLDER, stack))).plan;
}

/** Everything that must exist before a resource. */
function requirements(graph: ResourceGraph, node: ResourceNode): ResourceNode[] {
  const byUrn = new Map(graph.nodes.map((candidate) => [candidate.urn, candidate]));
  const seen = new Set<ResourceNode>();
  const visit = (current: ResourceNode): void => {
    for (const urn of prerequisites(current)) {
      const needed = byUrn.get(urn);
      if (needed === undefined || seen.has(needed)) continue;
      seen.add(needed);
      visit(needed);
    }
  };
  visit(node);
  return [...seen];
}

describe("the plan of a shipped stack", () => {
  it.each([
    ["acme-prod", 277, 93, 9],
    ["acme-staging", 167, 61, 6],
    ["dev", 85, 50, 2],
    ["globex-prod", 114, 65, 3],
    ["local", 0, 0, 0],
  ])(
    "%s has %i resources, %i Kubernetes objects and %i Helm releases",
    async (stack, resources, objects, charts) => {
      const result = await plan(stack);
      expect([resourceCount(result), result.manifests.length, result.helmReleases.length]).toEqual([
        resources,
        objects,
        charts,
      ]);
    },
  );

  it.each(stackNames(STACKS_FOLDER))("%s is byte-identical in two runs", async (stack) => {
    expect(JSON.stringify(await planAnew(stack))).toBe(JSON.stringify(await planAnew(stack)));
  });

  it.each(stackNames(STACKS_FOLDER))("%s names every child after its component", async (stack) => {
    const { graph } = await plan(stack);
    const byUrn = new Map(graph.nodes.map((node) => [node.urn, node]));
    const strangers = graph.nodes.filter((node) => {
      const parent = node.parent === undefined ? undefined : byUrn.get(node.parent);
      return parent?.type.startsWith("llmops:") === true && !node.name.startsWith(`${parent.name}-`);
    });
    expect(strangers.map(({ urn }) => urn)).toEqual([]);
  });

  it.each(["acme-prod", "acme-staging", "dev", "globex-prod"])(
    "%s destroys Kubernetes objects before the cluster, and the cluster before the network",
    async (stack) => {
      const { graph } = await plan(stack);
      const order = destroyOrder(graph);
      const places = (test: (type: string) => boolean): number[] =>
        graph.nodes.filter(({ type }) => test(type)).map(({ urn }) => order.indexOf(urn));
      const objects = places((type) => type.startsWith("kubernetes:"));
      const cluster = places((type) => /^(aws:eks|gcp:container)\/cluster:Cluster$/.test(type));
      const network = places((type) => /^(aws:ec2\/vpc:Vpc|gcp:compute\/network:Network)$/.test(type));
      expect(cluster).toHaveLength(1);
      expect(Math.max(...objects)).toBeLessThan(Math.min(...cluster));
      expect(Math.max(...cluster)).toBeLessThan(Math.min(...network));
    },
  );

  it.each(["acme-prod", "acme-staging", "dev", "globex-prod"])(
    "%s renders each Kubernetes object as one applicable YAML document",
    async (stack) => {
      const { manifests } = await plan(stack);
      for (const { fileName, yaml, unresolved } of manifests) {
        const documents = parseAllDocuments(yaml).map(
          (document) => document.toJS() as Record<string, unknown>,
        );
        expect(documents, fileName).toHaveLength(1);
        const { apiVersion, kind, metadata } = documents[0] as {
          apiVersion: string;
          kind: string;
          metadata: { name: string };
        };
        expect([typeof apiVersion, typeof kind, typeof metadata.name], fileName).toEqual([
          "string",
          "string",
          "string",
        ]);
        // Keys are made while deploying; everything else must be known before.
        expect(unresolved, fileName).toEqual(kind === "Secret" ? ["stringData"] : []);
      }
    },
  );

  it.each(["acme-prod", "acme-staging", "dev", "globex-prod"])(
    "%s has a price for everything and stays within its budget at its ceiling",
    async (stack) => {
      const { cost } = await sharedPlan(stack, readStack(STACKS_FOLDER, stack));
      expect(cost?.verdict).toBe("within-budget");
      const { min, expected, max } = cost?.monthlyUsd ?? { min: "3", expected: "2", max: "1" };
      expect([Number(min) <= Number(expected), Number(expected) <= Number(max)]).toEqual([true, true]);
    },
  );

  it("is refused when a price is neither known nor assumed", async () => {
    const config = readStack(STACKS_FOLDER, "acme-prod");
    const unassumed = {
      ...config,
      budget: { ...config.budget, onUnknownPrice: { kind: "error" as const } },
    };
    await expect(planStack("acme-prod", unassumed)).rejects.toMatchObject({
      skus: [
        "aws/eu-south-2/disk-gib",
        "aws/eu-south-2/interface-endpoint",
        "aws/eu-south-2/load-balancer",
        "aws/eu-south-2/nat-gateway",
        "aws/eu-south-2/use/balancer-gib",
        "aws/eu-south-2/use/egress-gib",
        "aws/eu-south-2/use/flow-log-gib",
        "aws/eu-south-2/use/log-gib",
        "aws/eu-south-2/use/nat-gib",
        "aws/eu-south-2/use/object-gib-month",
      ],
    });
  });

  it("is over budget when its ceiling is, whatever is expected", async () => {
    const config = readStack(STACKS_FOLDER, "acme-prod");
    const { cost } = await planStack("acme-prod", {
      ...config,
      budget: { ...config.budget, monthly: 40_000 },
    });
    expect(cost?.verdict).toBe("over-budget");
  });

  it.each([
    ["acme-prod", "kubernetes:keda.sh/v1alpha1:ScaledObject", "keda"],
    ["acme-prod", "kubernetes:monitoring.coreos.com/v1:PodMonitor", "kube-prometheus-stack"],
    ["acme-prod", "kubernetes:karpenter.sh/v1:NodePool", "karpenter"],
    ["globex-prod", "kubernetes:keda.sh/v1alpha1:ScaledObject", "keda"],
  ])("%s creates every %s after the chart that defines it", async (stack, type, chart) => {
    const { graph } = await plan(stack);
    const objects = ofType(graph, type);
    expect(objects.length).toBeGreaterThan(0);
    const before = objects.filter(
      (object) => !requirements(graph, object).some(({ inputs }) => inputs["name"] === chart),
    );
    expect(before.map(({ urn }) => urn)).toEqual([]);
  });

  it.each(["acme-prod", "acme-staging"])(
    "%s creates whatever names the cluster after the cluster, and GPU nodes after the network addon",
    async (stack) => {
      const { graph } = await plan(stack);
      const inCluster = graph.nodes.filter(
        ({ type, inputs }) => type.startsWith("aws:eks/") && inputs["clusterName"] !== undefined,
      );
      expect(inCluster.length).toBeGreaterThan(0);
      const early = inCluster.filter(
        (node) => !requirements(graph, node).some(({ type }) => type === "aws:eks/cluster:Cluster"),
      );
      expect(early.map(({ urn }) => urn)).toEqual([]);
      const groups = ofType(graph, "aws:eks/nodeGroup:NodeGroup");
      const withoutNetwork = groups.filter(
        (node) => !requirements(graph, node).some(({ inputs }) => inputs["addonName"] === "vpc-cni"),
      );
      expect(withoutNetwork.map(({ urn }) => urn)).toEqual([]);
    },
  );

  it("has only resources of the environment's own cloud", async () => {
    const clouds = new Map<string, string[]>();
    for (const stack of ["acme-prod", "globex-prod"]) {
      const { graph } = await plan(stack);
      const types = typeCounts(graph.nodes).map(([type]) => type.split(":")[0] ?? "");
      clouds.set(
        stack,
        [...new Set(types)].filter((name) => name === "aws" || name === "gcp"),
      );
    }
    expect(Object.fromEntries(clouds)).toEqual({ "acme-prod": ["aws"], "globex-prod": ["gcp"] });
  });
});
