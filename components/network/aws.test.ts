import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { AwsNetwork, validateAwsNetworkArgs, type AwsNetworkArgs } from "./aws.ts";

const args: AwsNetworkArgs = {
  clusterName: "acme-prod",
  accountId: "111122223333",
  region: "eu-south-2",
  cidr: "10.20.0.0/16",
  zones: ["eu-south-2a", "eu-south-2b", "eu-south-2c"],
  flowLogRetentionDays: 365,
  tags: { owner: "platform" },
};

function graphOf(changes: Partial<AwsNetworkArgs>): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new AwsNetwork("net", { ...args, ...changes }) });
}

function count(graph: ResourceGraph, type: string): number {
  return ofType(graph, type).length;
}

describe("AwsNetwork", () => {
  it.each([
    ["per-zone", 2, 2, 3],
    ["per-zone", 3, 3, 4],
    ["single", 2, 1, 3],
    ["single", 3, 1, 4],
    ["none", 2, 0, 1],
    ["none", 3, 0, 1],
  ] as const)("with NAT %s over %i zones has %i gateways and %i routes", async (nat, zones, nats, routes) => {
    const graph = await graphOf({ nat, zones: args.zones.slice(0, zones) });
    expect({
      nats: count(graph, "aws:ec2/natGateway:NatGateway"),
      addresses: count(graph, "aws:ec2/eip:Eip"),
      routes: count(graph, "aws:ec2/route:Route"),
      subnets: count(graph, "aws:ec2/subnet:Subnet"),
      tables: count(graph, "aws:ec2/routeTable:RouteTable"),
      associations: count(graph, "aws:ec2/routeTableAssociation:RouteTableAssociation"),
    }).toEqual({
      nats,
      addresses: nats,
      routes,
      subnets: 2 * zones,
      tables: zones + 1,
      associations: 2 * zones,
    });
  });

  it("tags subnets for load balancers and Karpenter and gives none a public address", async () => {
    const subnets = ofType(await graphOf({}), "aws:ec2/subnet:Subnet");
    expect(subnets.find(({ name }) => name === "net-private-a")?.inputs).toMatchObject({
      availabilityZone: "eu-south-2a",
      cidrBlock: "10.20.0.0/19",
      tags: {
        owner: "platform",
        Name: "acme-prod-private-a",
        "kubernetes.io/role/internal-elb": "1",
        "karpenter.sh/discovery": "acme-prod",
      },
    });
    expect(subnets.find(({ name }) => name === "net-public-c")?.inputs).toMatchObject({
      cidrBlock: "10.20.200.0/22",
      mapPublicIpOnLaunch: false,
      tags: { "kubernetes.io/role/elb": "1" },
    });
  });

  it("reaches S3 through a gateway always and other services through one endpoint each", async () => {
    const none = ofType(await graphOf({}), "aws:ec2/vpcEndpoint:VpcEndpoint");
    expect(none.map(({ inputs }) => [inputs["serviceName"], inputs["vpcEndpointType"]])).toEqual([
      ["com.amazonaws.eu-south-2.s3", "Gateway"],
    ]);
    const graph = await graphOf({ interfaceEndpoints: ["ecr.api", "sts"] });
    const some = ofType(graph, "aws:ec2/vpcEndpoint:VpcEndpoint").map(({ inputs }) => inputs["serviceName"]);
    expect(some).toEqual([
      "com.amazonaws.eu-south-2.ecr.api",
      "com.amazonaws.eu-south-2.sts",
      "com.amazonaws.eu-south-2.s3",
    ]);
    expect(ofType(graph, "aws:ec2/securityGroup:SecurityGroup")[0]?.inputs).toMatchObject({
      ingress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["10.20.0.0/16"] }],
      egress: [],
    });
  });

  it("records all traffic in an encrypted log group that is kept", async () => {
    const graph = await graphOf({});
    const [log] = ofType(graph, "aws:cloudwatch/logGroup:LogGroup");
    const [key] = ofType(graph, "aws:kms/key:Key");
    expect(log?.inputs).toMatchObject({ name: "/llmops/acme-prod/vpc-flow-logs", retentionInDays: 365 });
    expect(log?.propertyDependencies["kmsKeyId"]).toEqual([key?.urn]);
    expect(key?.inputs).toMatchObject({ enableKeyRotation: true, deletionWindowInDays: 30 });
    expect(ofType(graph, "aws:ec2/flowLog:FlowLog")[0]?.inputs).toMatchObject({
      trafficType: "ALL",
      logDestinationType: "cloud-watch-logs",
    });
  });

  it("closes the default security group", async () => {
    const [group] = ofType(await graphOf({}), "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    expect(group?.inputs).toMatchObject({ ingress: [], egress: [] });
  });

  it.each([
    [{ zones: ["eu-south-2a"] }, "zones", "1 zones; EKS needs subnets in at least two"],
    [{ zones: ["eu-south-2a", "eu-west-1a"] }, "zones[1]", "'eu-west-1a' is not in region 'eu-south-2'"],
    [{ zones: ["eu-south-2a", "eu-south-2a"] }, "zones[1]", "'eu-south-2a' is listed twice"],
    [{ cidr: "10.0.0.0/24" }, "cidr", "/24: a VPC needs a prefix from /16 to /20"],
  ])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateAwsNetworkArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});
