import * as k8s from "@pulumi/kubernetes";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { valueAt, type GraphValue } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { AwsEntry, balancerName, validateAwsEntryArgs, type AwsEntryArgs } from "./aws-entry.ts";
import type { CommonName, EntrySpec } from "./entry.ts";
import { GcpEntry, rangeRules, validateGcpEntryArgs, type GcpEntryArgs } from "./gcp-entry.ts";
import { targetBindingPolicy } from "./load-balancer-controller.ts";

const spec = {
  reach: "private",
  hostname: "llm.acme.example",
  zone: "Z0123456789",
  certificate: { kind: "managed" },
  allowedCidrs: ["10.0.0.0/8", "192.168.0.0/16"],
  callSeconds: 130,
  drainSeconds: 130,
} satisfies Omit<EntrySpec, "gateway">;

const common: CommonName = {
  hostname: "llm.eu.acme.example",
  certificate: "arn:aws:acm:eu-south-2:111122223333:certificate/common",
  site: "es",
  record: { kind: "each-region" },
};

function onAws(changes: Partial<AwsEntryArgs> = {}): Promise<ResourceGraph> {
  return capture({
    stack: "test",
    program: () =>
      new AwsEntry(
        "e",
        {
          ...spec,
          prefix: "acme-prod",
          accountId: "111122223333",
          region: "eu-south-2",
          clusterName: "acme-prod",
          clusterSecurityGroupId: "sg-cluster",
          vpcId: "vpc-1",
          vpcCidr: "10.20.0.0/16",
          subnetIds: ["subnet-a", "subnet-b"],
          gateway: new k8s.core.v1.Namespace("gateway", {}),
          tags: { owner: "platform" },
          ...changes,
        },
        {},
      ),
  });
}

function onGcp(changes: Partial<GcpEntryArgs> = {}): Promise<ResourceGraph> {
  return capture({
    stack: "test",
    program: () => {
      const other = new k8s.core.v1.Namespace("gateway", {});
      return new GcpEntry(
        "e",
        {
          ...spec,
          zone: "globex-example",
          prefix: "globex-prod",
          projectId: "globex-llmops-prod",
          region: "europe-west4",
          subnetworkId: "nodes",
          proxies: other,
          gateway: other,
          labels: { owner: "platform" },
          ...changes,
        },
        {},
      );
    },
  });
}

function inputOf(graph: ResourceGraph, type: string, suffix?: string): Readonly<Record<string, GraphValue>> {
  const found = ofType(graph, type).find(({ name }) => suffix === undefined || name === `e-${suffix}`);
  if (found === undefined) throw new Error(`no ${type} ${suffix ?? ""}`);
  return found.inputs;
}

function counts({ nodes }: ResourceGraph): Record<string, number> {
  return Object.fromEntries(
    typeCounts(nodes.filter(({ custom, type }) => custom && !type.startsWith("aws:s3"))),
  );
}

const RECORD = "aws:route53/record:Record";

describe("AwsEntry", () => {
  it("consists of exactly these resources besides the bucket of its logs", async () => {
    expect(counts(await onAws())).toEqual({
      "aws:acm/certificate:Certificate": 1,
      "aws:acm/certificateValidation:CertificateValidation": 1,
      "aws:ec2/securityGroup:SecurityGroup": 1,
      "aws:eks/podIdentityAssociation:PodIdentityAssociation": 1,
      "aws:iam/role:Role": 1,
      "aws:iam/rolePolicy:RolePolicy": 1,
      "aws:lb/listener:Listener": 1,
      "aws:lb/listenerRule:ListenerRule": 1,
      "aws:lb/loadBalancer:LoadBalancer": 1,
      "aws:lb/targetGroup:TargetGroup": 1,
      "aws:route53/record:Record": 2,
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 1,
      "kubernetes:core/v1:Namespace": 1,
      "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding": 1,
      "kubernetes:helm.sh/v3:Release": 1,
    });
  });

  it("answers by HTTPS from TLS 1.2, from the listed networks, with the API alone", async () => {
    const graph = await onAws();
    expect(inputOf(graph, "aws:lb/listener:Listener")).toMatchObject({
      port: 443,
      protocol: "HTTPS",
      sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      defaultActions: [{ type: "fixed-response", fixedResponse: { statusCode: "404" } }],
    });
    expect(inputOf(graph, "aws:lb/listenerRule:ListenerRule")["conditions"]).toEqual([
      { pathPattern: { values: ["/v1/*"] } },
      { hostHeader: { values: ["llm.acme.example"] } },
    ]);
    expect(inputOf(graph, "aws:ec2/securityGroup:SecurityGroup")).toMatchObject({
      ingress: [
        { protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["10.0.0.0/8", "192.168.0.0/16"] },
      ],
      egress: [{ protocol: "tcp", fromPort: 8080, toPort: 8080, cidrBlocks: ["10.20.0.0/16"] }],
    });
  });

  it.each(["private", "public"] as const)(
    "waits as long as a call and drains as the gateway does: %s",
    async (reach) => {
      const graph = await onAws({ reach });
      expect(inputOf(graph, "aws:lb/loadBalancer:LoadBalancer")).toMatchObject({
        loadBalancerType: "application",
        internal: reach === "private",
        idleTimeout: 130,
        accessLogs: { enabled: true, bucket: "acme-prod-entry-111122223333" },
      });
      expect(inputOf(graph, "aws:lb/targetGroup:TargetGroup")).toMatchObject({
        targetType: "ip",
        port: 8080,
        deregistrationDelay: 130,
        healthCheck: { path: "/readyz", matcher: "200", interval: 5, unhealthyThreshold: 2 },
      });
    },
  );

  it("proves the certificate it makes in the zone, and takes one that is there as it is", async () => {
    const made = await onAws();
    expect(inputOf(made, "aws:acm/certificate:Certificate")).toMatchObject({
      domainName: "llm.acme.example",
      validationMethod: "DNS",
    });
    expect(inputOf(made, RECORD, "certificate-record")).toMatchObject({ zoneId: "Z0123456789" });
    const name = "arn:aws:acm:eu-south-2:111122223333:certificate/own";
    const existing = await onAws({ certificate: { kind: "existing", name } });
    expect(inputOf(existing, "aws:lb/listener:Listener")["certificateArn"]).toBe(name);
    expect(ofType(existing, "aws:acm/certificate:Certificate")).toEqual([]);
  });

  it("has a latency record under the common name that is out of the answers without a healthy target", async () => {
    const graph = await onAws({ common });
    const aliases = [{ evaluateTargetHealth: true }];
    expect(inputOf(graph, RECORD, "record")).toMatchObject({ name: "llm.acme.example", aliases });
    expect(inputOf(graph, RECORD, "common-record")).toMatchObject({
      name: "llm.eu.acme.example",
      setIdentifier: "es",
      latencyRoutingPolicies: [{ region: "eu-south-2" }],
      aliases,
    });
    expect(inputOf(graph, "aws:lb/listenerCertificate:ListenerCertificate")["certificateArn"]).toBe(
      common.certificate,
    );
    expect(
      valueAt(inputOf(graph, "aws:lb/listenerRule:ListenerRule"), "conditions.1.hostHeader.values"),
    ).toEqual(["llm.acme.example", "llm.eu.acme.example"]);
  });

  it("lets the controller change its one target group and look at the rest", () => {
    const arn = "arn:aws:elasticloadbalancing:eu-south-2:111122223333:targetgroup/acme-prod/1";
    const { Statement } = JSON.parse(targetBindingPolicy(arn)) as {
      Statement: { Action: string[]; Resource: string }[];
    };
    const everywhere = Statement.filter(({ Resource }) => Resource === "*").flatMap(({ Action }) => Action);
    expect(everywhere.filter((action) => !action.includes(":Describe"))).toEqual([]);
    expect(Statement.filter(({ Resource }) => Resource !== "*").map(({ Resource }) => Resource)).toEqual([
      arn,
    ]);
  });

  it("shortens names that are too long for a load balancer, and keeps them apart", () => {
    expect(balancerName("acme-prod")).toBe("acme-prod");
    const long = ["es", "de"].map((site) => balancerName(`a-client-of-20-chars-staging-${site}`));
    expect(new Set(long).size).toBe(2);
    expect(long.every((name) => name.length <= 32)).toBe(true);
  });

  it("does not ask for a name that AWS keeps for itself", () => {
    expect(balancerName("internal-prod")).toBe("x-internal-prod");
    expect(balancerName(`internal-${"a".repeat(30)}`)).toMatch(/^x-internal-a+-[0-9a-f]{8}$/);
    expect(balancerName("internals-prod")).toBe("internals-prod");
  });

  it.each([
    [{ callSeconds: 4_001 }, "callSeconds", "4001 is more than a load balancer waits, 4000 seconds"],
    [
      { common: { ...common, record: { kind: "elsewhere" } } },
      "common.record",
      "'elsewhere' is for Cloud DNS; in Route 53 each region has its record",
    ],
  ] satisfies [Partial<AwsEntryArgs>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateAwsEntryArgs({ callSeconds: 60, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});

const OBJECT = "kubernetes:gateway.networking.k8s.io/v1";
const POLICY = "kubernetes:networking.gke.io/v1";
const RECORD_SET = "gcp:dns/recordSet:RecordSet";

const commonHere: CommonName = {
  hostname: "llm.eu.globex.example",
  certificate: "llm-eu",
  site: "nl",
  record: { kind: "here", others: [{ region: "europe-west1", address: "34.1.2.3" }] },
};

describe("GcpEntry", () => {
  it("consists of exactly these resources", async () => {
    expect(counts(await onGcp())).toEqual({
      "gcp:certificatemanager/certificate:Certificate": 1,
      "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": 1,
      "gcp:compute/address:Address": 1,
      "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy": 1,
      "gcp:compute/regionSslPolicy:RegionSslPolicy": 1,
      "gcp:dns/recordSet:RecordSet": 2,
      "kubernetes:core/v1:Namespace": 1,
      [`${OBJECT}:Gateway`]: 1,
      [`${OBJECT}:HTTPRoute`]: 1,
      [`${POLICY}:GCPBackendPolicy`]: 1,
      [`${POLICY}:GCPGatewayPolicy`]: 1,
      [`${POLICY}:HealthCheckPolicy`]: 1,
    });
  });

  it.each([
    ["private", "gke-l7-rilb", { addressType: "INTERNAL", subnetwork: "nodes" }],
    ["public", "gke-l7-regional-external-managed", { addressType: "EXTERNAL", networkTier: "STANDARD" }],
  ] as const)("is of the class and the kind of address: %s", async (reach, gatewayClassName, address) => {
    const graph = await onGcp({ reach });
    expect(inputOf(graph, "gcp:compute/address:Address")).toMatchObject(address);
    expect(inputOf(graph, `${OBJECT}:Gateway`)["spec"]).toMatchObject({
      gatewayClassName,
      addresses: [{ type: "NamedAddress", value: "globex-prod-entry" }],
      listeners: [
        {
          protocol: "HTTPS",
          port: 443,
          tls: { options: { "networking.gke.io/cert-manager-certs": "globex-prod-entry" } },
        },
      ],
    });
    expect(inputOf(graph, `${OBJECT}:HTTPRoute`)["spec"]).toMatchObject({
      hostnames: ["llm.acme.example"],
      rules: [{ matches: [{ path: { type: "PathPrefix", value: "/v1" } }] }],
    });
  });

  it("begins at TLS 1.2, logs, waits as long as a call, and looks whether records can be written", async () => {
    const graph = await onGcp();
    expect(inputOf(graph, "gcp:compute/regionSslPolicy:RegionSslPolicy")).toMatchObject({
      minTlsVersion: "TLS_1_2",
    });
    expect(valueAt(inputOf(graph, `${POLICY}:GCPBackendPolicy`), "spec.default")).toEqual({
      securityPolicy: "globex-prod-entry",
      timeoutSec: 130,
      connectionDraining: { drainingTimeoutSec: 130 },
      logging: { enabled: true, sampleRate: 1_000_000 },
    });
    expect(valueAt(inputOf(graph, `${POLICY}:HealthCheckPolicy`), "spec.default.config")).toEqual({
      type: "HTTP",
      httpHealthCheck: { portSpecification: "USE_SERVING_PORT", requestPath: "/readyz" },
    });
  });

  it("lets in ten networks a rule, and nobody after them", () => {
    const allowedCidrs = Array.from({ length: 12 }, (_, index) => `10.${index}.0.0/16`);
    const rules = rangeRules({ allowedCidrs });
    expect(rules.map(({ priority, action }) => [priority, action])).toEqual([
      [1_000, "allow"],
      [1_001, "allow"],
      [2_147_483_647, "deny(403)"],
    ]);
    expect(
      rules.slice(0, 2).map((rule) => valueAt(rule as unknown as GraphValue, "match.config.srcIpRanges")),
    ).toEqual([allowedCidrs.slice(0, 10), allowedCidrs.slice(10)]);
  });

  it("has one record set with every region's address, whose readiness Cloud DNS asks for", async () => {
    const graph = await onGcp({ reach: "public", common: commonHere });
    expect(valueAt(inputOf(graph, RECORD_SET, "common-record"), "routingPolicy.geos")).toEqual([
      { location: "europe-west4", healthCheckedTargets: { externalEndpoints: [{ $unknown: true }] } },
      { location: "europe-west1", healthCheckedTargets: { externalEndpoints: ["34.1.2.3"] } },
    ]);
    expect(inputOf(graph, "gcp:compute/healthCheck:HealthCheck")).toMatchObject({
      checkIntervalSec: 30,
      httpsHealthCheck: { port: 443, host: "llm.eu.globex.example", requestPath: "/readyz" },
      sourceRegions: ["europe-west1", "europe-west3", "europe-west4"],
    });
    expect(valueAt(inputOf(graph, `${OBJECT}:HTTPRoute`), "spec.rules.0.matches")).toEqual([
      { path: { type: "PathPrefix", value: "/v1" } },
      { path: { type: "Exact", value: "/readyz" } },
    ]);
    expect(
      valueAt(inputOf(graph, "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy"), "rules.0"),
    ).toMatchObject({
      priority: 900,
      action: "allow",
      match: { expr: { expression: "request.path == '/readyz'" } },
    });
    const elsewhere = await onGcp({
      reach: "public",
      common: { ...commonHere, record: { kind: "elsewhere" } },
    });
    expect(ofType(elsewhere, RECORD_SET).map(({ name }) => name)).toEqual([
      "e-certificate-record",
      "e-record",
    ]);
  });

  it.each([
    [
      { reach: "public", common },
      "common.record",
      "Cloud DNS keeps the regions of a name in one record set: say where it is",
    ],
    [
      { reach: "private", common: commonHere },
      "common",
      "over regions only a public entry has its health checked here",
    ],
  ] satisfies [Pick<GcpEntryArgs, "reach" | "common">, string, string][])(
    "refuses %j",
    (args, propertyPath, reason) => {
      expect(() => {
        validateGcpEntryArgs(args);
      }).toThrow(expect.objectContaining({ propertyPath, reason }));
    },
  );
});
