import { beforeAll, describe, expect, it } from "vitest";
import type { ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { platformProgram } from "../../stacks/program.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { configOf } from "../policy/environments.ts";

/** acme-prod in one of its two regions. */
function site(name: string, region: string, cidr: string): unknown {
  const base = configOf("acme-prod");
  if (base.cloud.provider !== "aws") throw new Error("not on AWS");
  return {
    ...base,
    site: name,
    residency: { regions: ["eu-south-2", "eu-central-1"] },
    cloud: {
      ...base.cloud,
      region,
      zones: ["a", "b", "c"].map((zone) => `${region}${zone}`),
      network: { ...base.cloud.network, cidr },
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
      .filter(({ type }) => type.startsWith("aws:") && type !== "aws:iam/rolePolicy:RolePolicy")
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
    expect(JSON.stringify(spain)).not.toMatch(/eu-central-1|acme-prod-de|10\.40\./);
    expect(JSON.stringify(germany)).not.toMatch(/eu-south-2|acme-prod-es|10\.20\./);
  });
});
