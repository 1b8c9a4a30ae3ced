import * as aws from "../sdk/aws.ts";
import type * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { AwsKey } from "../encryption/aws-key.ts";
import { zoneSubnets, type ZoneSubnets } from "./zone-subnets.ts";

/** NAT gateways: one per zone survives the loss of a zone, one saves money, none closes the way out. */
export type NatPlacement = "per-zone" | "single" | "none";

/** AWS services that can be reached without leaving the VPC. */
export type InterfaceEndpoint =
  "ecr.api" | "ecr.dkr" | "sts" | "logs" | "kms" | "ec2" | "eks" | "eks-auth" | "sqs" | "elasticfilesystem";

/** A VPC for one environment. */
export interface AwsNetworkArgs {
  /** Prefix of physical names, also the value of `karpenter.sh/discovery` on private subnets. */
  readonly clusterName: string;
  readonly accountId: string;
  readonly region: string;
  /** Address range, /16 to /20. */
  readonly cidr: string;
  /** Availability zones, 2 to 6; append only, so that no subnet moves. */
  readonly zones: readonly string[];
  /** @default "per-zone" */
  readonly nat?: NatPlacement;
  /** @default [] */
  readonly interfaceEndpoints?: readonly InterfaceEndpoint[];
  /** Days flow logs are kept; one of the values CloudWatch accepts. */
  readonly flowLogRetentionDays: number;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateAwsNetworkArgs(args: AwsNetworkArgs): void {
  if (args.zones.length < 2) refuse("zones", `${args.zones.length} zones; EKS needs subnets in at least two`);
  args.zones.forEach((zone, index) => {
    if (!zone.startsWith(args.region))
      refuse(`zones[${index}]`, `'${zone}' is not in region '${args.region}'`);
    if (args.zones.indexOf(zone) !== index) refuse(`zones[${index}]`, `'${zone}' is listed twice`);
  });
  try {
    zoneSubnets(args.cidr, args.zones);
  } catch (error) {
    refuse("cidr", (error as Error).message);
  }
}

/** Resources of one zone that later steps refer to. */
interface Zone {
  readonly subnets: ZoneSubnets;
  /** Last part of the zone's name, for example `a`; part of child names. */
  readonly suffix: string;
  readonly privateSubnet: aws.ec2.Subnet;
  readonly publicSubnet: aws.ec2.Subnet;
}

/** VPC with private and public subnets per zone, NAT, endpoints and encrypted flow logs. */
export class AwsNetwork extends LlmopsComponent {
  readonly vpcId: pulumi.Output<string>;
  readonly privateSubnetIds: readonly pulumi.Output<string>[];
  /** Private subnet of each zone. */
  readonly privateSubnetByZone: ReadonlyMap<string, pulumi.Output<string>>;
  readonly publicSubnetIds: readonly pulumi.Output<string>[];
  /** Everything nodes need to reach the internet; nodes depend on it. */
  readonly routes: readonly pulumi.Resource[];

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: AwsNetworkArgs, opts?: ComponentOptions) {
    validateAwsNetworkArgs(args);
    super("network", "AwsNetwork", name, opts);
    const vpc = this.#vpc(args);
    const zones = this.#zones(args, vpc);
    const { routes, privateTables } = this.#routes(args, vpc, zones);
    this.#endpoints(args, vpc, zones, privateTables);
    this.#flowLogs(args, vpc);

    this.vpcId = vpc.id;
    this.privateSubnetIds = zones.map((zone) => zone.privateSubnet.id);
    this.privateSubnetByZone = new Map(
      zones.map((zone) => [zone.subnets.zone, zone.privateSubnet.id] as const),
    );
    this.publicSubnetIds = zones.map((zone) => zone.publicSubnet.id);
    this.routes = routes;
    this.registerOutputs({ vpcId: vpc.id });
  }

  #tags(args: AwsNetworkArgs, suffix: string): Record<string, string> {
    return { ...args.tags, Name: `${args.clusterName}-${suffix}` };
  }

  #vpc(args: AwsNetworkArgs): aws.ec2.Vpc {
    const vpc = new aws.ec2.Vpc(
      this.childName("vpc"),
      {
        cidrBlock: args.cidr,
        enableDnsHostnames: true,
        enableDnsSupport: true,
        tags: this.#tags(args, "vpc"),
      },
      { parent: this },
    );
    new aws.ec2.DefaultSecurityGroup(
      this.childName("default-closed"),
      { vpcId: vpc.id, ingress: [], egress: [], tags: this.#tags(args, "default-closed") },
      { parent: this },
    );
    return vpc;
  }

  #zones(args: AwsNetworkArgs, vpc: aws.ec2.Vpc): Zone[] {
    return zoneSubnets(args.cidr, args.zones).map((subnets) => {
      const suffix = subnets.zone.slice(args.region.length).replace(/^-/, "");
      const privateSubnet = new aws.ec2.Subnet(
        this.childName(`private-${suffix}`),
        {
          vpcId: vpc.id,
          cidrBlock: subnets.privateCidr,
          availabilityZone: subnets.zone,
          tags: {
            ...this.#tags(args, `private-${suffix}`),
            "kubernetes.io/role/internal-elb": "1",
            "karpenter.sh/discovery": args.clusterName,
          },
        },
        { parent: this },
      );
      const publicSubnet = new aws.ec2.Subnet(
        this.childName(`public-${suffix}`),
        {
          vpcId: vpc.id,
          cidrBlock: subnets.publicCidr,
          availabilityZone: subnets.zone,
          mapPublicIpOnLaunch: false,
          tags: { ...this.#tags(args, `public-${suffix}`), "kubernetes.io/role/elb": "1" },
        },
        { parent: this },
      );
      return { subnets, suffix, privateSubnet, publicSubnet };
    });
  }

  #routes(
    args: AwsNetworkArgs,
    vpc: aws.ec2.Vpc,
    zones: readonly Zone[],
  ): { readonly routes: pulumi.Resource[]; readonly privateTables: aws.ec2.RouteTable[] } {
    const gateway = new aws.ec2.InternetGateway(
      this.childName("internet"),
      { vpcId: vpc.id, tags: this.#tags(args, "internet") },
      { parent: this },
    );
    const publicTable = new aws.ec2.RouteTable(
      this.childName("public"),
      { vpcId: vpc.id, tags: this.#tags(args, "public") },
      { parent: this },
    );
    const publicRoute = new aws.ec2.Route(
      this.childName("public-internet"),
      { routeTableId: publicTable.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
      { parent: this },
    );
    const placement = args.nat ?? "per-zone";
    const natZones = placement === "per-zone" ? zones : placement === "single" ? zones.slice(0, 1) : [];
    const nats = natZones.map(({ suffix, publicSubnet }) => {
      const address = new aws.ec2.Eip(
        this.childName(`nat-${suffix}-address`),
        { domain: "vpc", tags: this.#tags(args, `nat-${suffix}`) },
        { parent: this },
      );
      return new aws.ec2.NatGateway(
        this.childName(`nat-${suffix}`),
        { allocationId: address.id, subnetId: publicSubnet.id, tags: this.#tags(args, `nat-${suffix}`) },
        { parent: this, dependsOn: publicRoute },
      );
    });
    const routes: pulumi.Resource[] = [];
    const privateTables = zones.map(({ suffix, privateSubnet, publicSubnet }, index) => {
      const table = new aws.ec2.RouteTable(
        this.childName(`private-${suffix}`),
        { vpcId: vpc.id, tags: this.#tags(args, `private-${suffix}`) },
        { parent: this },
      );
      const nat = nats[index] ?? nats[0];
      if (nat !== undefined)
        routes.push(
          new aws.ec2.Route(
            this.childName(`private-${suffix}-nat`),
            { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id },
            { parent: this },
          ),
        );
      routes.push(
        new aws.ec2.RouteTableAssociation(
          this.childName(`private-${suffix}`),
          { subnetId: privateSubnet.id, routeTableId: table.id },
          { parent: this },
        ),
      );
      new aws.ec2.RouteTableAssociation(
        this.childName(`public-${suffix}`),
        { subnetId: publicSubnet.id, routeTableId: publicTable.id },
        { parent: this },
      );
      return table;
    });
    return { routes, privateTables };
  }

  #endpoints(
    args: AwsNetworkArgs,
    vpc: aws.ec2.Vpc,
    zones: readonly Zone[],
    privateTables: readonly aws.ec2.RouteTable[],
  ): void {
    new aws.ec2.VpcEndpoint(
      this.childName("s3"),
      {
        vpcId: vpc.id,
        serviceName: `com.amazonaws.${args.region}.s3`,
        vpcEndpointType: "Gateway",
        routeTableIds: privateTables.map((table) => table.id),
        tags: this.#tags(args, "s3"),
      },
      { parent: this },
    );
    const services = args.interfaceEndpoints ?? [];
    if (services.length === 0) return;
    const group = new aws.ec2.SecurityGroup(
      this.childName("endpoints"),
      {
        name: `${args.clusterName}-endpoints`,
        description: "HTTPS from the VPC to AWS services",
        vpcId: vpc.id,
        ingress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: [args.cidr] }],
        egress: [],
        tags: this.#tags(args, "endpoints"),
      },
      { parent: this },
    );
    for (const service of services)
      new aws.ec2.VpcEndpoint(
        this.childName(`endpoint-${service.replace(".", "-")}`),
        {
          vpcId: vpc.id,
          serviceName: `com.amazonaws.${args.region}.${service}`,
          vpcEndpointType: "Interface",
          privateDnsEnabled: true,
          subnetIds: zones.map((zone) => zone.privateSubnet.id),
          securityGroupIds: [group.id],
          tags: this.#tags(args, service),
        },
        { parent: this },
      );
  }

  #flowLogs(args: AwsNetworkArgs, vpc: aws.ec2.Vpc): void {
    const logGroupName = `/llmops/${args.clusterName}/vpc-flow-logs`;
    const logGroupArn = `arn:aws:logs:${args.region}:${args.accountId}:log-group:${logGroupName}`;
    const encryption = new AwsKey(
      this.childName("flow-logs-key"),
      {
        alias: `${args.clusterName}-flow-logs`,
        description: `VPC flow logs of ${args.clusterName}`,
        accountId: args.accountId,
        region: args.region,
        logGroupArns: [logGroupArn],
        tags: args.tags,
      },
      { parent: this },
    );
    const logs = new aws.cloudwatch.LogGroup(
      this.childName("flow-logs"),
      {
        name: logGroupName,
        retentionInDays: args.flowLogRetentionDays,
        kmsKeyId: encryption.key.arn,
        tags: args.tags,
      },
      { parent: this },
    );
    const role = new aws.iam.Role(
      this.childName("flow-logs-role"),
      {
        name: `${args.clusterName}-flow-logs`,
        assumeRolePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: "vpc-flow-logs.amazonaws.com" },
              Action: "sts:AssumeRole",
              Condition: { StringEquals: { "aws:SourceAccount": args.accountId } },
            },
          ],
        }),
        tags: args.tags,
      },
      { parent: this },
    );
    const policy = new aws.iam.RolePolicy(
      this.childName("flow-logs-write"),
      {
        name: "write",
        role: role.name,
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
              Resource: [logGroupArn, `${logGroupArn}:*`],
            },
          ],
        }),
      },
      { parent: this },
    );
    new aws.ec2.FlowLog(
      this.childName("flow-log"),
      {
        vpcId: vpc.id,
        trafficType: "ALL",
        logDestinationType: "cloud-watch-logs",
        logDestination: logs.arn,
        iamRoleArn: role.arn,
        tags: this.#tags(args, "flow-log"),
      },
      { parent: this, dependsOn: policy },
    );
  }
}
