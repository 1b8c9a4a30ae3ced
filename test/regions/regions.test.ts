import { beforeAll, describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { platformProgram } from "../../stacks/program.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { configOf } from "../policy/environments.ts";

const COMMON_NAME = "llm.acme.example";

const RECORD = "aws:route53/record:Record";

/** acme-prod in one of its two regions, under a name of both. */
function site(name: string, region: string, cidr: string): unknown {
  const base = configOf("acme-prod");
  if (base.cloud.provider !== "aws") throw new Error("not on AWS");
  const { entry } = base.gateway;
  if (entry.kind === "none") throw new Error("no entry");
  return {
    ...base,
    site: name,
    residency: { regions: ["eu-south-2", "eu-central-1"] },
    gateway: {
      ...base.gateway,
      entry: {
        ...entry,
        hostname: `llm-${name}.acme.example`,
        common: {
          hostname: COMMON_NAME,
          regions: ["eu-south-2", "eu-central-1"],
          certificate: `arn:aws:acm:${region}:111122223333:certificate/common`,
        },
      },
    },
    cloud: {
      ...base.cloud,
      region,
      zones: ["a", "b", "c"].map((zone) => `${region}${zone}`),
      network: { ...base.cloud.network, cidr },
      cluster: { ...base.cloud.cluster, endpoint: { access: "private", allowedCidrs: [cidr] } },
    },
  };
}

function valid(input: unknown): PlatformConfig {
  const parsed = parsePlatform(input);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function resources({ nodes }: ResourceGraph): ResourceGraph["nodes"] {
  return nodes.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
}

/** Names that are unique in an account or in the world. */
function names(graph: ResourceGraph): string[] {
  return (
    resources(graph)
      // The name of an inline policy is its role's own affair.
      .filter(
        ({ type }) => type.startsWith("aws:") && type !== "aws:iam/rolePolicy:RolePolicy" && type !== RECORD,
      )
      .flatMap(({ inputs }) => [inputs["bucket"], inputs["name"]])
      .filter((name) => typeof name === "string")
  );
}

describe("one client in two regions", () => {
  let spain: ResourceGraph;
  let germany: ResourceGraph;

  beforeAll(async () => {
    const south = valid(site("es", "eu-south-2", "10.20.0.0/16"));
    const west = valid(site("de", "eu-central-1", "10.40.0.0/16"));
    spain = await capture({ stack: "acme-prod-es", program: () => platformProgram(south) });
    germany = await capture({ stack: "acme-prod-de", program: () => platformProgram(west) });
  });

  it("has a graph in each that is complete on its own: the same resources, audit log, keys and cluster included", () => {
    const counts = Object.fromEntries(typeCounts(resources(spain)));
    expect(Object.fromEntries(typeCounts(resources(germany)))).toEqual(counts);
    expect(counts).toMatchObject({
      "aws:eks/cluster:Cluster": 1,
      "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": 2,
      "aws:ec2/vpc:Vpc": 1,
    });
  });

  it("shares no name of a bucket, role, key, cluster, queue or budget", () => {
    const taken = new Set(names(spain));
    expect(taken.size).toBeGreaterThan(20);
    expect(names(germany).filter((name) => taken.has(name))).toEqual([]);
  });

  it("mentions the other region, its names and its network nowhere", () => {
    expect(JSON.stringify(spain)).not.toMatch(/eu-central-1|acme-prod-de|llm-de|10\.40\./);
    expect(JSON.stringify(germany)).not.toMatch(/eu-south-2|acme-prod-es|llm-es|10\.20\./);
  });

  it("shares the name of one record, and that in a set of its own that leaves the answers when the region is ill", () => {
    const records = (graph: ResourceGraph): ReadonlyMap<unknown, ResourceGraph["nodes"][number]["inputs"]> =>
      new Map(ofType(graph, RECORD).map(({ inputs }) => [inputs["name"], inputs]));
    const [es, de] = [records(spain), records(germany)];
    expect([...es.keys()].filter((name) => typeof name === "string")).toEqual([
      COMMON_NAME,
      "llm-es.acme.example",
    ]);
    expect([...de.keys()].filter((name) => typeof name === "string" && es.has(name))).toEqual([COMMON_NAME]);
    const shared = { zoneId: "Z00000000000000000000", type: "A", aliases: [{ evaluateTargetHealth: true }] };
    expect(es.get(COMMON_NAME)).toMatchObject({
      ...shared,
      setIdentifier: "es",
      latencyRoutingPolicies: [{ region: "eu-south-2" }],
    });
    expect(de.get(COMMON_NAME)).toMatchObject({
      ...shared,
      setIdentifier: "de",
      latencyRoutingPolicies: [{ region: "eu-central-1" }],
    });
  });

  it("shares no other value that names something outside of the cluster", () => {
    const outside = (graph: ResourceGraph): Set<string> =>
      new Set(
        resources(graph)
          .filter(({ type }) => /^aws:(lb|acm|route53|ec2\/securityGroup|s3\/bucket:)/.test(type))
          .flatMap(({ inputs }) => [
            inputs["name"],
            inputs["bucket"],
            inputs["domainName"],
            inputs["certificateArn"],
            inputs["setIdentifier"],
          ])
          .filter((value) => typeof value === "string"),
      );
    const there = outside(germany);
    expect([...outside(spain)].filter((value) => there.has(value))).toEqual([COMMON_NAME]);
  });
});
