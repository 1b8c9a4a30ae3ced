import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";
import { UNKNOWN, type GraphValue } from "../graph/values.ts";
import { costOf, UnknownPriceError, type CostOptions } from "./cost.ts";
import { UnclassifiedResourceError, UnmeterableResourceError } from "./metering.ts";

function node(
  type: string,
  name: string,
  inputs: Record<string, GraphValue>,
  more: Partial<ResourceNode> = {},
): ResourceNode {
  return {
    urn: `urn:pulumi:s::p::${type}::${name}`,
    type,
    name,
    custom: true,
    inputs,
    dependencies: [],
    propertyDependencies: {},
    options: { protect: false, retainOnDelete: false, ignoreChanges: [] },
    ...more,
  };
}

function graph(...nodes: ResourceNode[]): ResourceGraph {
  return { project: "p", stack: "s", nodes };
}

const options: CostOptions = {
  cloud: "aws",
  region: "eu-south-2",
  systemNodesExpected: 2,
  pools: { l40s: { floor: 0, expected: 1, firstRung: "spot", gpusPerNode: 1 } },
  budget: { monthly: 10_000, usdPerUnit: 1 },
  usage: [],
  providers: [],
  assumed: {
    usdPerHour: { "aws/eu-south-2/disk-gib": 0.0001, "aws/eu-south-2/nat-gateway": 0.05 },
    usdPerUnit: { "aws/eu-south-2/use/egress-gib": 0.09 },
    asOf: "2026-11-24",
  },
};

const template = node("aws:ec2/launchTemplate:LaunchTemplate", "t", {
  blockDeviceMappings: [{ ebs: { volumeSize: 100 } }],
});

function nodeGroup(min: number, max: number, capacityType: string, pool?: string): ResourceNode {
  return node(
    "aws:eks/nodeGroup:NodeGroup",
    `${pool ?? "system"}-${capacityType}`,
    {
      instanceTypes: [pool === undefined ? "m7i.xlarge" : "g6e.xlarge"],
      capacityType,
      scalingConfig: { minSize: min, maxSize: max },
      labels: pool === undefined ? {} : { "llmops.io/gpu-pool": pool },
    },
    { propertyDependencies: { launchTemplate: [template.urn] } },
  );
}

describe("costOf", () => {
  it("prices nodes and their disks at minimum, expected and ceiling", () => {
    const { lines, monthlyUsd } = costOf(graph(template, nodeGroup(1, 4, "ON_DEMAND")), options);
    // m7i.xlarge 0.2247 USD/h x 730 h = 164.031; 100 GiB x 0.0001 x 730 = 7.30
    expect(lines.map((line) => line.monthlyUsd)).toEqual([
      { min: "164.03", expected: "328.06", max: "656.12" },
      { min: "7.30", expected: "14.60", max: "29.20" },
    ]);
    expect(monthlyUsd).toEqual({ min: "171.33", expected: "342.66", max: "685.32" });
  });

  it("prices a claimed volume as a disk, or as a file system where many nodes write to it", () => {
    const claim = (name: string, mode: string): ResourceNode =>
      node("kubernetes:core/v1:PersistentVolumeClaim", name, {
        spec: { accessModes: [mode], resources: { requests: { storage: "100Gi" } } },
      });
    const priced = { ...options.assumed.usdPerHour, "aws/eu-south-2/shared-file-gib": 0.0004 };
    const { lines } = costOf(graph(claim("a", "ReadWriteOnce"), claim("b", "ReadWriteMany")), {
      ...options,
      assumed: { ...options.assumed, usdPerHour: priced },
    });
    // 100 GiB x 0.0001 x 730 and 100 GiB x 0.0004 x 730
    expect(lines.map(({ monthlyUsd }) => monthlyUsd.max)).toEqual(["7.30", "29.20"]);
    expect(() => costOf(graph(claim("b", "ReadWriteMany")), options)).toThrow(
      "aws/eu-south-2/shared-file-gib",
    );
  });

  it("expects spot prices of a spot pool and fears on-demand prices", () => {
    const [machines] = costOf(graph(template, nodeGroup(0, 2, "SPOT", "l40s")), options).lines;
    // spot 0.550 x 730 = 401.50; on-demand 1.961 x 730 x 2 = 2863.06
    expect(machines?.monthlyUsd).toEqual({ min: "0.00", expected: "401.50", max: "2863.06" });
  });

  it("counts a pool's expected nodes on its first rung only", () => {
    const both = graph(template, nodeGroup(0, 2, "SPOT", "l40s"), nodeGroup(0, 2, "ON_DEMAND", "l40s"));
    const expected = costOf(both, options).lines.map(({ units }) => units.expected.quantity);
    expect(expected).toEqual([1, 100, 0, 0]);
  });

  it("reads Karpenter's ceiling from its GPU limit", () => {
    const machines = node("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "m", {
      spec: { blockDeviceMappings: [{ ebs: { volumeSize: "200Gi" } }] },
    });
    const pool = node(
      "kubernetes:karpenter.sh/v1:NodePool",
      "pool",
      {
        metadata: { labels: { "llmops.io/gpu-pool": "l40s" } },
        spec: {
          limits: { "nvidia.com/gpu": 3 },
          template: {
            spec: {
              requirements: [
                { key: "node.kubernetes.io/instance-type", values: ["g6e.xlarge"] },
                { key: "karpenter.sh/capacity-type", values: ["spot", "on-demand"] },
              ],
            },
          },
        },
      },
      { dependencies: [machines.urn] },
    );
    const { lines } = costOf(graph(machines, pool), options);
    expect(
      lines.map(({ units }) => [units.min.quantity, units.expected.quantity, units.max.quantity]),
    ).toEqual([
      [0, 1, 3],
      [0, 200, 600],
    ]);
    const unbounded = { ...pool, inputs: { ...pool.inputs, spec: { limits: {} } } };
    expect(() => costOf(graph(machines, unbounded), options)).toThrow(UnmeterableResourceError);
  });

  it("counts a load balancer, with an address per subnet on the internet, and each rule of a firewall policy", () => {
    const usdPerHour = { ...options.assumed.usdPerHour, "aws/eu-south-2/load-balancer": 0.0252 };
    const quantities = (resource: ResourceNode, change: Partial<CostOptions> = {}): [string, number][] =>
      costOf(graph(resource), {
        ...options,
        assumed: { ...options.assumed, usdPerHour },
        ...change,
      }).lines.map(({ units }) => [units.max.sku, units.max.quantity]);
    const balancer = (internal: boolean): ResourceNode =>
      node("aws:lb/loadBalancer:LoadBalancer", "b", { internal, subnets: ["a", "b", UNKNOWN] });
    expect(quantities(balancer(true))).toEqual([["aws/eu-south-2/load-balancer", 1]]);
    expect(quantities(balancer(false))).toEqual([
      ["aws/eu-south-2/load-balancer", 1],
      ["aws/eu-south-2/public-ipv4", 3],
    ]);
    const armor = node("gcp:compute/regionSecurityPolicy:RegionSecurityPolicy", "r", { rules: [{}, {}] });
    const google = {
      cloud: "gcp",
      region: "europe-west4",
      assumed: {
        ...options.assumed,
        usdPerHour: { "gcp/europe-west4/firewall-policy": 0.007, "gcp/europe-west4/firewall-rule": 0.001 },
      },
    } as const;
    expect(quantities(armor, google)).toEqual([
      ["gcp/europe-west4/firewall-policy", 1],
      ["gcp/europe-west4/firewall-rule", 2],
    ]);
  });

  it.each([
    [
      "a load balancer nobody knows the reach of",
      node("aws:lb/loadBalancer:LoadBalancer", "b", { internal: UNKNOWN, subnets: [] }),
      UnmeterableResourceError,
    ],
    ["a type in no cost class", node("aws:rds/instance:Instance", "db", {}), UnclassifiedResourceError],
    [
      "an unknown size",
      { ...nodeGroup(1, 1, "ON_DEMAND"), inputs: { scalingConfig: UNKNOWN } },
      UnmeterableResourceError,
    ],
    [
      "a missing price",
      node("aws:ec2/vpcEndpoint:VpcEndpoint", "e", { vpcEndpointType: "Interface", subnetIds: ["a"] }),
      UnknownPriceError,
    ],
  ])("refuses %s", (_title, resource, error) => {
    expect(() => costOf(graph(template, resource), options)).toThrow(error);
  });

  it("judges the ceiling against the budget in its own currency", () => {
    const one = graph(node("aws:ec2/natGateway:NatGateway", "nat", {}));
    // 0.05 x 730 = 36.50
    const verdict = (monthly: number, usdPerUnit: number): string =>
      costOf(one, { ...options, budget: { monthly, usdPerUnit } }).verdict;
    expect([verdict(36.5, 1), verdict(36.49, 1), verdict(36.49, 1.1)]).toEqual([
      "within-budget",
      "over-budget",
      "within-budget",
    ]);
  });

  it("never goes below the nodes that the least replicas need", () => {
    const pools = { l40s: { floor: 2, expected: 1, firstRung: "on-demand", gpusPerNode: 1 } };
    const [machines] = costOf(graph(template, nodeGroup(0, 3, "ON_DEMAND", "l40s")), {
      ...options,
      pools,
    }).lines;
    // on-demand 1.961 x 730 = 1431.53
    expect(machines?.monthlyUsd).toEqual({ min: "2863.06", expected: "2863.06", max: "4294.59" });
  });

  it("adds declared use and capped providers to every figure", () => {
    const { use, monthlyUsd } = costOf(graph(node("aws:ec2/natGateway:NatGateway", "nat", {})), {
      ...options,
      usage: [{ service: "egress-gib", expected: 100, max: 1000 }],
      providers: [{ name: "openai", monthlyCapUsd: 500 }],
    });
    expect(use.map((line) => [line.name, line.bound, line.monthlyUsd])).toEqual([
      ["egress-gib", "declared", { min: "0.00", expected: "9.00", max: "90.00" }],
      ["openai", "gateway", { min: "0.00", expected: "500.00", max: "500.00" }],
    ]);
    expect(monthlyUsd).toEqual({ min: "36.50", expected: "545.50", max: "626.50" });
  });

  it("adds evaluations: none at the floor, the expected ones, and every one at its cap", () => {
    const evaluations = { runsPerMonth: 51, expectedUsd: 1.237, maxUsd: 5 };
    const { use, monthlyUsd } = costOf(graph(), { ...options, evaluations });
    expect(use).toEqual([
      {
        name: "evaluations",
        what: "51 evaluations of at most 5 USD, stopped by the runner",
        bound: "runner",
        monthlyUsd: { min: "0.00", expected: "63.09", max: "255.00" },
        prices: {},
      },
    ]);
    expect(monthlyUsd).toEqual({ min: "0.00", expected: "63.09", max: "255.00" });
  });

  it("refuses declared use without a price, naming the key and how to give it", () => {
    const priced = (): unknown =>
      costOf(graph(), { ...options, usage: [{ service: "log-gib", expected: 1, max: 2 }] });
    expect(priced).toThrow(UnknownPriceError);
    expect(priced).toThrow(/usdPerUnit:\n {8}"aws\/eu-south-2\/use\/log-gib": <USD per unit>/);
  });

  it("lists what is billed by use", () => {
    expect(costOf(graph(node("aws:sqs/queue:Queue", "q", {})), options).byUse).toEqual([
      "aws:sqs/queue:Queue",
    ]);
  });

  it("keeps minimum <= expected <= ceiling, and one more node never lowers the ceiling", () => {
    fc.assert(
      fc.property(fc.nat(5), fc.nat(5), (min, more) => {
        const max = Math.max(2, min) + more;
        const total = (size: number): Record<string, string> => ({
          ...costOf(graph(template, nodeGroup(Math.min(min, 2), size, "ON_DEMAND")), options).monthlyUsd,
        });
        const now = total(max);
        return (
          Number(now["min"]) <= Number(now["expected"]) &&
          Number(now["expected"]) <= Number(now["max"]) &&
          Number(total(max + 1)["max"]) > Number(now["max"])
        );
      }),
    );
  });
});
