import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { costOptions } from "../../plan/cost-options.ts";
import { costOf } from "../../plan/cost.ts";
import { policyOf } from "../../plan/policy.ts";
import { blocking } from "../../policies/report.ts";
import { identityOf, lossesOf, type Stateful } from "../../review/identity.ts";
import { awsCluster } from "../../stacks/clouds/aws.ts";
import { platformProgram } from "../../stacks/program.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { configOf, NOW } from "../policy/environments.ts";

type Pool = PlatformConfig["gpuPools"][number];
type Cluster = Extract<PlatformConfig["cloud"], { provider: "aws" }>["cluster"];

function valid(config: PlatformConfig): PlatformConfig {
  const parsed = parsePlatform(config);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function withCluster(config: PlatformConfig, change: Partial<Cluster>): PlatformConfig {
  if (config.cloud.provider !== "aws") throw new Error("not on AWS");
  return valid({ ...config, cloud: { ...config.cloud, cluster: { ...config.cloud.cluster, ...change } } });
}

function withGenerations(config: PlatformConfig, ...generations: Pool["generations"]): PlatformConfig {
  return valid({
    ...config,
    gpuPools: config.gpuPools.map((pool, index) => (index === 0 ? { ...pool, generations } : pool)),
  });
}

/** Resources that differ, as `+ name`, `- name` and `~ name: changed inputs`. */
function changes(before: ResourceGraph, after: ResourceGraph): string[] {
  const cloud = ({ nodes }: ResourceGraph): Map<string, ResourceGraph["nodes"][number]> =>
    new Map(nodes.filter(({ custom }) => custom).map((node) => [node.urn, node]));
  const [old, now] = [cloud(before), cloud(after)];
  return [
    ...[...now.values()].flatMap((node) => {
      const known = old.get(node.urn);
      if (known === undefined) return [`+ ${node.type} ${node.name}`];
      const keys = [...new Set([...Object.keys(known.inputs), ...Object.keys(node.inputs)])].filter(
        (key) => !isDeepStrictEqual(known.inputs[key], node.inputs[key]),
      );
      return keys.length === 0 ? [] : [`~ ${node.name}: ${keys.join(", ")}`];
    }),
    ...[...old.values()].filter(({ urn }) => !now.has(urn)).map(({ type, name }) => `- ${type} ${name}`),
  ].sort();
}

/** The part of a stack that an upgrade of versions touches: cluster, nodes, keys, network and audit log. */
function captureCloud(config: PlatformConfig): Promise<ResourceGraph> {
  const { cloud } = config;
  if (cloud.provider !== "aws") throw new Error("not on AWS");
  const name = `${config.client}-${config.environment}`;
  return capture({ stack: name, program: () => void awsCluster(name, cloud, config) });
}

function stateful({ nodes }: ResourceGraph): Stateful[] {
  return nodes.flatMap((node) => {
    const identity = identityOf(node);
    return identity === undefined ? [] : [{ ...node, identity }];
  });
}

describe("an upgrade of acme-staging, one edit of the stack file after the other", () => {
  const original = { name: "original", state: "serving" } as const;
  const green = { name: "r36", release: "1.36.0-20261101" } as const;
  const base = configOf("acme-staging");
  const controlPlane = withCluster(base, { version: "1.36" });
  const addons = withCluster(controlPlane, {
    addonVersions: { coredns: "v1.13.1-eksbuild.1", "vpc-cni": "v1.21.0-eksbuild.1" },
  });
  const systemNodes = withCluster(addons, { systemNodesVersion: "1.36" });
  const beside = withGenerations(systemNodes, original, { ...green, state: "standby" });
  const both = withGenerations(systemNodes, original, { ...green, state: "serving" });
  const cordoned = withGenerations(
    systemNodes,
    { ...original, state: "retiring" },
    { ...green, state: "serving" },
  );
  const done = withGenerations(systemNodes, { ...green, state: "serving" });
  const GROUP = "aws:eks/nodeGroup:NodeGroup";
  const TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";
  const steps: readonly (readonly [string, PlatformConfig, readonly string[]])[] = [
    ["the control plane by one minor", controlPlane, ["~ acme-staging-cluster-cluster: version"]],
    [
      "the addons",
      addons,
      [
        "~ acme-staging-cluster-addon-coredns: addonVersion",
        "~ acme-staging-cluster-addon-vpc-cni: addonVersion",
      ],
    ],
    ["the system nodes", systemNodes, ["~ acme-staging-cluster-system-nodes: version"]],
    [
      "new GPU nodes beside the old ones, closed to pods",
      beside,
      [
        `+ ${TEMPLATE} acme-staging-gpu-l40s-r36-on-demand`,
        `+ ${TEMPLATE} acme-staging-gpu-l40s-r36-spot`,
        `+ ${GROUP} acme-staging-gpu-l40s-r36-on-demand`,
        `+ ${GROUP} acme-staging-gpu-l40s-r36-spot`,
        "~ acme-staging-autoscaler-chart-release: values",
      ],
    ],
    [
      "the new nodes opened",
      both,
      ["~ acme-staging-gpu-l40s-r36-on-demand: taints", "~ acme-staging-gpu-l40s-r36-spot: taints"],
    ],
    [
      "the old nodes closed",
      cordoned,
      ["~ acme-staging-gpu-l40s-on-demand: taints", "~ acme-staging-gpu-l40s-spot: taints"],
    ],
    [
      "the old nodes gone",
      done,
      [
        `- ${TEMPLATE} acme-staging-gpu-l40s-on-demand`,
        `- ${TEMPLATE} acme-staging-gpu-l40s-spot`,
        `- ${GROUP} acme-staging-gpu-l40s-on-demand`,
        `- ${GROUP} acme-staging-gpu-l40s-spot`,
        "~ acme-staging-autoscaler-chart-release: values",
      ],
    ],
  ];

  it("changes exactly what it should, and replaces nothing that holds data", async () => {
    let before = await captureCloud(base);
    for (const [what, config, expected] of steps) {
      const after = await captureCloud(config);
      expect([what, changes(before, after)]).toEqual([what, [...expected].sort()]);
      expect([what, lossesOf(stateful(before), stateful(after))]).toEqual([what, []]);
      before = after;
    }
  });
});

describe("an exchange of nodes", () => {
  it("stays inside the controls while both generations are there", async () => {
    // Both generations may grow to the pool's most nodes, so the exchange needs twice the budget for GPUs.
    const base = configOf("acme-staging");
    const config = withGenerations(
      { ...base, budget: { ...base.budget, monthly: base.budget.monthly * 2 } },
      { name: "original", state: "retiring" },
      { name: "r35", release: "1.35.0-20261101", state: "serving" },
    );
    const graph = await capture({ stack: "acme-staging", program: () => platformProgram(config) });
    expect(blocking(policyOf({ graph, config, asOf: NOW }))).toEqual([]);
  });

  it("gives each generation of a Karpenter pool its machines, its image and its taints, under one pool label", async () => {
    const base = configOf("acme-prod");
    const config = withGenerations(
      base,
      { name: "original", state: "retiring" },
      { name: "r2611", release: "v20261101", state: "serving" },
    );
    const graph = await captureCloud(config);
    const pools = ofType(graph, "kubernetes:karpenter.sh/v1:NodePool").filter(
      ({ name }) => name.includes("-gpu-l40s-") && !name.includes("x4"),
    );
    expect(pools.map(({ inputs }) => inputs)).toMatchObject(
      ["gpu-l40s-on-demand", "gpu-l40s-r2611-on-demand", "gpu-l40s-r2611-spot", "gpu-l40s-spot"].map(
        (name) => ({
          metadata: { name, labels: { "llmops.io/gpu-pool": "l40s" } },
          spec: {
            template: {
              metadata: { labels: { "llmops.io/gpu-pool": "l40s" } },
              spec: {
                nodeClassRef: { name: name.includes("r2611") ? "gpu-l40s-r2611" : "gpu-l40s" },
                taints: [
                  { key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" },
                  ...(name.includes("r2611")
                    ? []
                    : [{ key: "llmops.io/generation", value: "retiring", effect: "NoSchedule" }]),
                ],
              },
            },
          },
        }),
      ),
    );
    const classes = ofType(graph, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass");
    expect(classes.map(({ inputs }) => inputs["spec"])).toMatchObject([
      { amiSelectorTerms: [{ alias: "al2023@latest" }] },
      { amiSelectorTerms: [{ alias: "al2023@v20261101" }] },
      { amiSelectorTerms: [{ alias: "al2023@latest" }] },
    ]);
  });

  it("counts machines that wait at their least, and old and new ones while both may have pods", async () => {
    const base = configOf("acme-prod");
    const dearest = async (...generations: Pool["generations"]): Promise<readonly [string, string]> => {
      const config = withGenerations(base, ...generations);
      const options = costOptions(config);
      if (options === undefined) throw new Error("nothing is rented");
      const { expected, max } = costOf(await captureCloud(config), options).monthlyUsd;
      return [expected, max];
    };
    const alone = await dearest({ name: "original", state: "serving" });
    const waiting = await dearest(
      { name: "original", state: "serving" },
      { name: "r2611", state: "standby" },
    );
    const both = await dearest({ name: "original", state: "retiring" }, { name: "r2611", state: "serving" });
    expect(waiting[0]).toBe(alone[0]);
    expect(Number(both[0])).toBeGreaterThan(Number(alone[0]));
    expect(waiting[1]).toBe(both[1]);
    expect(Number(both[1])).toBeGreaterThan(Number(alone[1]));
  });
});
