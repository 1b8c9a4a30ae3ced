import * as gcp from "../sdk/gcp.ts";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { overlaps } from "./cidr.ts";

/** A VPC-native network for one environment. */
export interface GcpNetworkArgs {
  /** Prefix of physical names. */
  readonly clusterName: string;
  readonly projectId: string;
  readonly region: string;
  /** Address range of the nodes. */
  readonly cidr: string;
  /** Secondary range of the pods. */
  readonly podsCidr: string;
  /** Secondary range of the services. */
  readonly servicesCidr: string;
  /** Range of the proxies of regional load balancers; absent: there are none. */
  readonly proxyCidr?: string;
}

/** Name of the secondary range that holds pods. */
export const PODS_RANGE = "pods";

/** Name of the secondary range that holds services. */
export const SERVICES_RANGE = "services";

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateGcpNetworkArgs(args: GcpNetworkArgs): void {
  const { cidr, podsCidr, servicesCidr, proxyCidr } = args;
  const ranges = Object.entries({
    cidr,
    podsCidr,
    servicesCidr,
    ...(proxyCidr === undefined ? {} : { proxyCidr }),
  });
  ranges.forEach(([name, range], index) => {
    for (const [other, taken] of ranges.slice(0, index))
      if (overlaps(range, taken))
        throw new pulumi.InputPropertyError({
          propertyPath: name,
          reason: `${range} overlaps ${other} ${taken}`,
        });
  });
}

/** VPC-native network: one subnet with pod and service ranges, NAT for the way out, flow logs, no way in. */
export class GcpNetwork extends LlmopsComponent {
  readonly network: gcp.compute.Network;
  readonly subnetwork: gcp.compute.Subnetwork;
  /** Subnetwork of the proxies of regional load balancers. */
  readonly proxies: gcp.compute.Subnetwork | undefined;
  /** Everything nodes need to reach the internet; nodes depend on it. */
  readonly nat: gcp.compute.RouterNat;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GcpNetworkArgs, opts?: ComponentOptions) {
    validateGcpNetworkArgs(args);
    super("network", "GcpNetwork", name, opts);
    this.network = new gcp.compute.Network(
      this.childName("network"),
      {
        name: args.clusterName,
        project: args.projectId,
        autoCreateSubnetworks: false,
        routingMode: "REGIONAL",
      },
      { parent: this },
    );
    this.subnetwork = new gcp.compute.Subnetwork(
      this.childName("nodes"),
      {
        name: `${args.clusterName}-nodes`,
        project: args.projectId,
        region: args.region,
        network: this.network.id,
        ipCidrRange: args.cidr,
        privateIpGoogleAccess: true,
        secondaryIpRanges: [
          { rangeName: PODS_RANGE, ipCidrRange: args.podsCidr },
          { rangeName: SERVICES_RANGE, ipCidrRange: args.servicesCidr },
        ],
        logConfig: {
          aggregationInterval: "INTERVAL_5_MIN",
          flowSampling: 0.5,
          metadata: "INCLUDE_ALL_METADATA",
        },
      },
      { parent: this },
    );
    this.proxies = this.#proxies(args);
    const router = new gcp.compute.Router(
      this.childName("router"),
      {
        name: args.clusterName,
        project: args.projectId,
        region: args.region,
        network: this.network.id,
      },
      { parent: this },
    );
    this.nat = new gcp.compute.RouterNat(
      this.childName("nat"),
      {
        name: args.clusterName,
        project: args.projectId,
        region: args.region,
        router: router.name,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [{ name: this.subnetwork.id, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
        logConfig: { enable: true, filter: "ERRORS_ONLY" },
      },
      { parent: this },
    );
    new gcp.compute.Firewall(
      this.childName("deny-ingress"),
      {
        name: `${args.clusterName}-deny-ingress`,
        project: args.projectId,
        network: this.network.id,
        direction: "INGRESS",
        priority: 65_534,
        denies: [{ protocol: "all" }],
        sourceRanges: ["0.0.0.0/0"],
        logConfig: { metadata: "INCLUDE_ALL_METADATA" },
      },
      { parent: this },
    );
    this.registerOutputs({ network: this.network.id, subnetwork: this.subnetwork.id });
  }

  #proxies({
    clusterName,
    projectId,
    region,
    proxyCidr,
  }: GcpNetworkArgs): gcp.compute.Subnetwork | undefined {
    if (proxyCidr === undefined) return undefined;
    return new gcp.compute.Subnetwork(
      this.childName("proxies"),
      {
        name: `${clusterName}-proxies`,
        project: projectId,
        region,
        network: this.network.id,
        ipCidrRange: proxyCidr,
        purpose: "REGIONAL_MANAGED_PROXY",
        role: "ACTIVE",
      },
      { parent: this },
    );
  }
}
