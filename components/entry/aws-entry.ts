import { createHash } from "node:crypto";
import * as aws from "../sdk/aws.ts";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { GATEWAY_NAMESPACE, GATEWAY_PORTS, GATEWAY_SERVICE } from "../gateway/address.ts";
import { AwsAccessLogs } from "./aws-access-logs.ts";
import {
  ENTRY_PATH,
  onlyProof,
  READINESS_CHECK,
  READINESS_PATH,
  type Entry,
  type EntrySpec,
} from "./entry.ts";
import { LONGEST_IDLE_SECONDS } from "./limits.ts";
import { LoadBalancerController } from "./load-balancer-controller.ts";

/** An entry by an Application Load Balancer. */
export interface AwsEntryArgs extends EntrySpec {
  /** Prefix of physical names. */
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly clusterName: string;
  /** Security group of the cluster's nodes and pods. */
  readonly clusterSecurityGroupId: pulumi.Input<string>;
  readonly vpcId: pulumi.Input<string>;
  readonly vpcCidr: string;
  /** Subnets of the load balancer, without pods: a NetworkPolicy lets in whoever has an address there. */
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * TLS 1.3, and 1.2 with forward secrecy.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
 */
export const TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";

const NAME_LENGTH = 32;

/** Start of the names AWS keeps for itself. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html */
const RESERVED = "internal-";

/** Name of a load balancer: the prefix, or its beginning with a hash of it where it is longer than 32 characters; never one AWS keeps for itself. */
export function balancerName(prefix: string): string {
  const name = prefix.startsWith(RESERVED) ? `x-${prefix}` : prefix;
  if (name.length <= NAME_LENGTH) return name;
  const hash = createHash("sha256").update(prefix).digest("hex").slice(0, 8);
  return `${name.slice(0, NAME_LENGTH - hash.length - 1)}-${hash}`;
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property
 */
export function validateAwsEntryArgs({
  callSeconds,
  common,
}: Pick<AwsEntryArgs, "callSeconds" | "common">): void {
  if (callSeconds > LONGEST_IDLE_SECONDS)
    refuse(
      "callSeconds",
      `${callSeconds} is more than a load balancer waits, ${LONGEST_IDLE_SECONDS} seconds`,
    );
  if (common !== undefined && common.record.kind !== "each-region")
    refuse(
      "common.record",
      `'${common.record.kind}' is for Cloud DNS; in Route 53 each region has its record`,
    );
}

/**
 * An Application Load Balancer in front of the gateway: HTTPS only, from the listed networks, to the API and nothing else; its
 * targets are the replicas that can write audit records. It is part of the stack, so that it is priced, checked and torn down with
 * it; the controller in the cluster only says which pods are there.
 */
export class AwsEntry extends LlmopsComponent implements Entry {
  readonly hostname: string;
  readonly address: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: AwsEntryArgs, opts: ComponentOptions) {
    validateAwsEntryArgs(args);
    super("entry", "AwsEntry", name, opts);
    const balancer = this.#balancer(args);
    const targets = this.#targets(args);
    const served = this.#listener(args, balancer, targets);
    const binding = this.#binding(args, targets);
    // Callers find it last and lose it first.
    this.#records(args, balancer, [...served, binding]);
    this.hostname = args.hostname;
    this.address = balancer.dnsName;
    this.registerOutputs({ hostname: args.hostname });
  }

  #balancer(args: AwsEntryArgs): aws.lb.LoadBalancer {
    const group = new aws.ec2.SecurityGroup(
      this.childName("group"),
      {
        name: `${args.prefix}-entry`,
        description: "HTTPS from named networks to the gateway",
        vpcId: args.vpcId,
        ingress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: [...args.allowedCidrs] }],
        egress: [
          {
            protocol: "tcp",
            fromPort: GATEWAY_PORTS.api,
            toPort: GATEWAY_PORTS.api,
            cidrBlocks: [args.vpcCidr],
          },
        ],
        tags: args.tags,
      },
      { parent: this },
    );
    new aws.vpc.SecurityGroupIngressRule(
      this.childName("to-gateway"),
      {
        securityGroupId: args.clusterSecurityGroupId,
        referencedSecurityGroupId: group.id,
        ipProtocol: "tcp",
        fromPort: GATEWAY_PORTS.api,
        toPort: GATEWAY_PORTS.api,
        description: "Entry to the gateway",
        tags: args.tags,
      },
      { parent: this },
    );
    const { prefix, accountId, region, tags } = args;
    const logs = new AwsAccessLogs(
      this.childName("logs"),
      { prefix, accountId, region, tags },
      { parent: this },
    );
    return new aws.lb.LoadBalancer(
      this.childName("balancer"),
      {
        name: balancerName(args.prefix),
        loadBalancerType: "application",
        internal: args.reach === "private",
        subnets: [...args.subnetIds],
        securityGroups: [group.id],
        idleTimeout: args.callSeconds,
        dropInvalidHeaderFields: true,
        accessLogs: { enabled: true, bucket: logs.bucketName },
        tags,
      },
      { parent: this, dependsOn: logs },
    );
  }

  #targets(args: AwsEntryArgs): aws.lb.TargetGroup {
    return new aws.lb.TargetGroup(
      this.childName("targets"),
      {
        name: balancerName(args.prefix),
        vpcId: args.vpcId,
        targetType: "ip",
        protocol: "HTTP",
        port: GATEWAY_PORTS.api,
        deregistrationDelay: args.drainSeconds,
        healthCheck: {
          path: READINESS_PATH,
          interval: READINESS_CHECK.intervalSeconds,
          timeout: READINESS_CHECK.timeoutSeconds,
          healthyThreshold: 2,
          unhealthyThreshold: READINESS_CHECK.failures,
          matcher: "200",
        },
        tags: args.tags,
      },
      { parent: this },
    );
  }

  #listener(
    args: AwsEntryArgs,
    balancer: aws.lb.LoadBalancer,
    targets: aws.lb.TargetGroup,
  ): pulumi.Resource[] {
    const listener = new aws.lb.Listener(
      this.childName("https"),
      {
        loadBalancerArn: balancer.arn,
        port: 443,
        protocol: "HTTPS",
        sslPolicy: TLS_POLICY,
        certificateArn: this.#certificateArn(args),
        defaultActions: [
          { type: "fixed-response", fixedResponse: { contentType: "text/plain", statusCode: "404" } },
        ],
        tags: args.tags,
      },
      { parent: this },
    );
    const { common } = args;
    if (common !== undefined)
      new aws.lb.ListenerCertificate(
        this.childName("common-certificate"),
        { listenerArn: listener.arn, certificateArn: common.certificate },
        { parent: this },
      );
    const rule = new aws.lb.ListenerRule(
      this.childName("api"),
      {
        listenerArn: listener.arn,
        priority: 1,
        conditions: [
          { pathPattern: { values: [`${ENTRY_PATH}/*`] } },
          { hostHeader: { values: [args.hostname, ...(common === undefined ? [] : [common.hostname])] } },
        ],
        actions: [{ type: "forward", targetGroupArn: targets.arn }],
        tags: args.tags,
      },
      { parent: this },
    );
    return [rule];
  }

  #certificateArn({ certificate, hostname, zone, tags }: AwsEntryArgs): pulumi.Input<string> {
    if (certificate.kind === "existing") return certificate.name;
    const made = new aws.acm.Certificate(
      this.childName("certificate"),
      { domainName: hostname, validationMethod: "DNS", tags },
      { parent: this },
    );
    const proof = made.domainValidationOptions.apply((options) => onlyProof(options, hostname));
    const record = new aws.route53.Record(
      this.childName("certificate-record"),
      {
        zoneId: zone,
        name: proof.resourceRecordName,
        type: proof.resourceRecordType,
        records: [proof.resourceRecordValue],
        ttl: 300,
      },
      { parent: this },
    );
    return new aws.acm.CertificateValidation(
      this.childName("certificate-valid"),
      { certificateArn: made.arn, validationRecordFqdns: [record.fqdn] },
      { parent: this },
    ).certificateArn;
  }

  #binding(args: AwsEntryArgs, targets: aws.lb.TargetGroup): pulumi.Resource {
    const { clusterName, region, vpcId, tags } = args;
    const controller = new LoadBalancerController(
      this.childName("controller"),
      { clusterName, region, vpcId, targetGroupArn: targets.arn, tags },
      { parent: this },
    );
    return new k8s.apiextensions.CustomResource(
      this.childName("binding"),
      {
        apiVersion: "elbv2.k8s.aws/v1beta1",
        kind: "TargetGroupBinding",
        metadata: { name: "entry", namespace: GATEWAY_NAMESPACE },
        spec: {
          serviceRef: { name: GATEWAY_SERVICE.name, port: GATEWAY_SERVICE.port },
          // The name is known before it is deployed, the ARN is not.
          targetGroupName: targets.name,
          targetType: "ip",
        },
      },
      { parent: this, dependsOn: [controller.chart, args.gateway] },
    );
  }

  #records(
    { hostname, common, zone, region }: AwsEntryArgs,
    balancer: aws.lb.LoadBalancer,
    dependsOn: readonly pulumi.Resource[],
  ): void {
    const opts = { parent: this, dependsOn: [...dependsOn] };
    const aliases = [{ name: balancer.dnsName, zoneId: balancer.zoneId, evaluateTargetHealth: true }];
    new aws.route53.Record(
      this.childName("record"),
      { zoneId: zone, name: hostname, type: "A", aliases },
      opts,
    );
    if (common === undefined) return;
    // Without a healthy target the record is out of the answers: a region that cannot write audit records gets no more callers.
    new aws.route53.Record(
      this.childName("common-record"),
      {
        zoneId: zone,
        name: common.hostname,
        type: "A",
        setIdentifier: common.site,
        latencyRoutingPolicies: [{ region }],
        aliases,
      },
      opts,
    );
  }
}
