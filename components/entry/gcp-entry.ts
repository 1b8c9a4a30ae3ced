import * as gcp from "../sdk/gcp.ts";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { GATEWAY_NAMESPACE, GATEWAY_SERVICE } from "../gateway/address.ts";
import {
  ENTRY_PATH,
  onlyProof,
  READINESS_CHECK,
  READINESS_PATH,
  type Entry,
  type EntrySpec,
} from "./entry.ts";

/** An entry by a regional Application Load Balancer that GKE makes from a Gateway. */
export interface GcpEntryArgs extends EntrySpec {
  /** Prefix of physical names. */
  readonly prefix: string;
  readonly projectId: string;
  readonly region: string;
  /** Subnetwork of the nodes, where a private entry has its address. */
  readonly subnetworkId: pulumi.Input<string>;
  /** The subnetwork of the load balancer's proxies; it exists before the Gateway. */
  readonly proxies: pulumi.Resource;
  readonly labels: Readonly<Record<string, string>>;
}

/** Classes of GKE. @see https://cloud.google.com/kubernetes-engine/docs/how-to/gatewayclass-capabilities */
const CLASSES = { private: "gke-l7-rilb", public: "gke-l7-regional-external-managed" } as const;

/** Most ranges of one rule. @see https://cloud.google.com/armor/quotas */
const RANGES_PER_RULE = 10;

/** Priority of the rule for everything no other rule says; the lowest there is. */
const LAST_PRIORITY = 2_147_483_647;

/** Where Cloud DNS checks entries from; it wants exactly three regions. */
const CHECKED_FROM = ["europe-west1", "europe-west3", "europe-west4"] as const;

type Rule = gcp.types.input.compute.RegionSecurityPolicyRule;

/** Rules of Cloud Armor: the listed networks, the health checks of a common name, and nobody else. */
export function rangeRules({ allowedCidrs, common }: Pick<EntrySpec, "allowedCidrs" | "common">): Rule[] {
  const chunks = Array.from({ length: Math.ceil(allowedCidrs.length / RANGES_PER_RULE) }, (_, index) =>
    allowedCidrs.slice(index * RANGES_PER_RULE, (index + 1) * RANGES_PER_RULE),
  );
  return [
    ...(common === undefined
      ? []
      : [
          {
            priority: 900,
            action: "allow",
            description: "Whether it is ready, from wherever Cloud DNS asks",
            match: { expr: { expression: `request.path == '${READINESS_PATH}'` } },
          },
        ]),
    ...chunks.map((srcIpRanges, index) => ({
      priority: 1_000 + index,
      action: "allow",
      description: "Networks callers come from",
      match: { versionedExpr: "SRC_IPS_V1", config: { srcIpRanges } },
    })),
    {
      priority: LAST_PRIORITY,
      action: "deny(403)",
      description: "Everybody else",
      match: { versionedExpr: "SRC_IPS_V1", config: { srcIpRanges: ["*"] } },
    },
  ];
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property
 */
export function validateGcpEntryArgs({ reach, common }: Pick<GcpEntryArgs, "reach" | "common">): void {
  if (common?.record.kind === "each-region")
    refuse("common.record", "Cloud DNS keeps the regions of a name in one record set: say where it is");
  if (common !== undefined && reach === "private")
    refuse("common", "over regions only a public entry has its health checked here");
}

/**
 * A regional Application Load Balancer in front of the gateway, by GKE's Gateway controller: HTTPS only, from the listed networks
 * (Cloud Armor), to the API and nothing else, to the replicas that can write audit records.
 */
export class GcpEntry extends LlmopsComponent implements Entry {
  readonly hostname: string;
  readonly address: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GcpEntryArgs, opts: ComponentOptions) {
    validateGcpEntryArgs(args);
    super("entry", "GcpEntry", name, opts);
    const address = this.#address(args);
    const served = this.#gateway(args, address);
    // Callers find it last and lose it first.
    this.#records(args, address, served);
    this.hostname = args.hostname;
    this.address = address.address;
    this.registerOutputs({ hostname: args.hostname });
  }

  #address({ prefix, projectId, region, reach, subnetworkId, labels }: GcpEntryArgs): gcp.compute.Address {
    return new gcp.compute.Address(
      this.childName("address"),
      {
        name: `${prefix}-entry`,
        project: projectId,
        region,
        ...(reach === "private"
          ? { addressType: "INTERNAL", subnetwork: subnetworkId }
          : // Regional load balancers are of the standard tier: https://cloud.google.com/load-balancing/pricing
            { addressType: "EXTERNAL", networkTier: "STANDARD" }),
        labels,
      },
      { parent: this },
    );
  }

  #gateway(args: GcpEntryArgs, address: gcp.compute.Address): pulumi.Resource[] {
    const { prefix, projectId, region, common } = args;
    const tls = new gcp.compute.RegionSslPolicy(
      this.childName("tls"),
      { name: `${prefix}-entry`, project: projectId, region, minTlsVersion: "TLS_1_2", profile: "MODERN" },
      { parent: this },
    );
    const ranges = new gcp.compute.RegionSecurityPolicy(
      this.childName("ranges"),
      { name: `${prefix}-entry`, project: projectId, region, type: "CLOUD_ARMOR", rules: rangeRules(args) },
      { parent: this },
    );
    const certificates = [this.#certificate(args), ...(common === undefined ? [] : [common.certificate])];
    const gateway = this.#object(
      "gateway",
      "gateway.networking.k8s.io/v1",
      "Gateway",
      [args.proxies, args.gateway],
      {
        gatewayClassName: CLASSES[args.reach],
        addresses: [{ type: "NamedAddress", value: address.name }],
        listeners: [
          {
            name: "https",
            protocol: "HTTPS",
            port: 443,
            tls: {
              mode: "Terminate",
              options: {
                "networking.gke.io/cert-manager-certs": pulumi
                  .all(certificates)
                  .apply((names) => names.join(",")),
              },
            },
            allowedRoutes: { namespaces: { from: "Same" } },
          },
        ],
      },
    );
    const paths = [
      { type: "PathPrefix", value: ENTRY_PATH },
      ...(common === undefined ? [] : [{ type: "Exact", value: READINESS_PATH }]),
    ];
    const route = this.#object("route", "gateway.networking.k8s.io/v1", "HTTPRoute", [gateway], {
      parentRefs: [{ name: "entry" }],
      hostnames: [args.hostname, ...(common === undefined ? [] : [common.hostname])],
      rules: [
        {
          matches: paths.map((path) => ({ path })),
          backendRefs: [{ name: GATEWAY_SERVICE.name, port: GATEWAY_SERVICE.port }],
        },
      ],
    });
    return [gateway, route, ...this.#policies(args, { tls, ranges, gateway })];
  }

  #policies(
    { callSeconds, drainSeconds, gateway: service }: GcpEntryArgs,
    made: {
      readonly tls: gcp.compute.RegionSslPolicy;
      readonly ranges: gcp.compute.RegionSecurityPolicy;
      readonly gateway: pulumi.Resource;
    },
  ): pulumi.Resource[] {
    const toService = { group: "", kind: "Service", name: GATEWAY_SERVICE.name };
    return [
      this.#object("tls-policy", "networking.gke.io/v1", "GCPGatewayPolicy", [made.gateway], {
        targetRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "entry" },
        default: { sslPolicy: made.tls.name },
      }),
      this.#object("backend-policy", "networking.gke.io/v1", "GCPBackendPolicy", [service], {
        targetRef: toService,
        default: {
          securityPolicy: made.ranges.name,
          timeoutSec: callSeconds,
          connectionDraining: { drainingTimeoutSec: drainSeconds },
          logging: { enabled: true, sampleRate: 1_000_000 },
        },
      }),
      this.#object("health", "networking.gke.io/v1", "HealthCheckPolicy", [service], {
        targetRef: toService,
        default: {
          checkIntervalSec: READINESS_CHECK.intervalSeconds,
          timeoutSec: READINESS_CHECK.timeoutSeconds,
          unhealthyThreshold: READINESS_CHECK.failures,
          config: {
            type: "HTTP",
            httpHealthCheck: { portSpecification: "USE_SERVING_PORT", requestPath: READINESS_PATH },
          },
        },
      }),
    ];
  }

  #object(
    suffix: string,
    apiVersion: string,
    kind: string,
    dependsOn: pulumi.Resource[],
    spec: Readonly<Record<string, unknown>>,
  ): k8s.apiextensions.CustomResource {
    return new k8s.apiextensions.CustomResource(
      this.childName(suffix),
      { apiVersion, kind, metadata: { name: "entry", namespace: GATEWAY_NAMESPACE }, spec },
      { parent: this, dependsOn },
    );
  }

  #certificate(args: GcpEntryArgs): pulumi.Input<string> {
    const { certificate, prefix, projectId, region, hostname, zone, labels } = args;
    if (certificate.kind === "existing") return certificate.name;
    const own = { name: `${prefix}-entry`, project: projectId, location: region, labels };
    const authorization = new gcp.certificatemanager.DnsAuthorization(
      this.childName("authorization"),
      { ...own, domain: hostname, type: "PER_PROJECT_RECORD" },
      { parent: this },
    );
    const proof = authorization.dnsResourceRecords.apply((records) => onlyProof(records, hostname));
    const record = new gcp.dns.RecordSet(
      this.childName("certificate-record"),
      {
        project: projectId,
        managedZone: zone,
        name: proof.name,
        type: proof.type,
        rrdatas: [proof.data],
        ttl: 300,
      },
      { parent: this },
    );
    return new gcp.certificatemanager.Certificate(
      this.childName("certificate"),
      { ...own, managed: { domains: [hostname], dnsAuthorizations: [authorization.id] } },
      { parent: this, dependsOn: record },
    ).name;
  }

  #records(args: GcpEntryArgs, address: gcp.compute.Address, dependsOn: readonly pulumi.Resource[]): void {
    const { hostname, common, prefix, projectId, region, zone } = args;
    const record = { project: projectId, managedZone: zone, type: "A", ttl: 60 };
    const opts = { parent: this, dependsOn: [...dependsOn] };
    new gcp.dns.RecordSet(
      this.childName("record"),
      { ...record, name: `${hostname}.`, rrdatas: [address.address] },
      opts,
    );
    if (common?.record.kind !== "here") return;
    const check = new gcp.compute.HealthCheck(
      this.childName("common-health"),
      {
        name: `${prefix}-entry`,
        project: projectId,
        checkIntervalSec: 30,
        timeoutSec: READINESS_CHECK.timeoutSeconds,
        unhealthyThreshold: READINESS_CHECK.failures,
        httpsHealthCheck: { port: 443, host: common.hostname, requestPath: READINESS_PATH },
        sourceRegions: [...CHECKED_FROM],
      },
      { parent: this },
    );
    const answers = [{ region, address: address.address }, ...common.record.others];
    new gcp.dns.RecordSet(
      this.childName("common-record"),
      {
        ...record,
        name: `${common.hostname}.`,
        routingPolicy: {
          healthCheck: check.id,
          geos: answers.map((answer) => ({
            location: answer.region,
            healthCheckedTargets: { externalEndpoints: [answer.address] },
          })),
        },
      },
      opts,
    );
  }
}
