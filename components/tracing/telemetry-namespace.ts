import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { podSecurityLabels } from "../pod-security.ts";
import { CHART_NAMESPACE_LABEL } from "../policy/chart-namespace.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import { STORE_ACCOUNTS, TELEMETRY_NAMESPACE, TELEMETRY_SENDER_LABEL } from "./address.ts";
import { collectorSelector } from "./collectors.ts";
import { COLLECTOR_PORTS } from "./collector-config.ts";
import { clusterDns } from "../cluster/dns.ts";
import { tcp, toAddress, toObjectStore, type Address } from "../network-policy.ts";

/** The namespace of telemetry. */
export interface TelemetryNamespaceArgs {
  /** Whether traces go to a platform outside of the cluster. */
  readonly outside: "https" | "none";
  /** Addresses of the agent that hands out credentials to stores with a bucket; absent where they keep all on volumes. */
  readonly buckets?: { readonly identity: readonly Address[] };
  readonly labels: Readonly<Record<string, string>>;
}

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type Peer = k8s.types.input.networking.v1.NetworkPolicyPeer;

const namespaces = (matchLabels: Readonly<Record<string, string>>): Peer => ({
  namespaceSelector: { matchLabels },
});

/** Ports Grafana reads the stores by. */
const STORE_PORTS = { tempo: 3200, loki: 3100 } as const;

/** Policies of the namespace by name: closed in both directions, then one opening for each need. */
export function telemetryPolicies({
  outside,
  buckets,
}: Pick<TelemetryNamespaceArgs, "outside" | "buckets">): Record<string, PolicySpec> {
  const everyPod = { podSelector: {} };
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    inside: {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [everyPod] }],
      egress: [{ to: [everyPod] }, clusterDns()],
    },
    senders: {
      podSelector: { matchLabels: { ...collectorSelector("ingest") } },
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [namespaces(TELEMETRY_SENDER_LABEL)],
          ports: [tcp(COLLECTOR_PORTS.grpc), tcp(COLLECTOR_PORTS.http)],
        },
      ],
    },
    readers: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [namespaces({ "kubernetes.io/metadata.name": MONITORING_NAMESPACE })],
          ports: [tcp(COLLECTOR_PORTS.metrics), tcp(STORE_PORTS.tempo), tcp(STORE_PORTS.loki)],
        },
      ],
    },
    ...(buckets === undefined
      ? {}
      : {
          buckets: {
            podSelector: {
              matchExpressions: [
                { key: "app.kubernetes.io/name", operator: "In", values: Object.values(STORE_ACCOUNTS) },
              ],
            },
            policyTypes: ["Egress"],
            egress: toObjectStore(buckets.identity),
          },
        }),
    ...(outside === "none"
      ? {}
      : {
          platforms: {
            podSelector: { matchLabels: { ...collectorSelector("sampling") } },
            policyTypes: ["Egress"],
            egress: [toAddress({ cidr: "0.0.0.0/0", port: 443 })],
          },
        }),
  };
}

/** Namespace of collectors and stores: nobody reads or writes telemetry without a label or from elsewhere than monitoring. */
export class TelemetryNamespace extends LlmopsComponent {
  readonly namespace: k8s.core.v1.Namespace;

  constructor(name: string, args: TelemetryNamespaceArgs, opts: ComponentOptions) {
    super("tracing", "TelemetryNamespace", name, opts);
    this.namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: TELEMETRY_NAMESPACE,
          labels: {
            ...args.labels,
            ...CHART_NAMESPACE_LABEL,
            ...podSecurityLabels("restricted"),
          },
        },
      },
      { parent: this },
    );
    for (const [suffix, spec] of Object.entries(telemetryPolicies(args)))
      new k8s.networking.v1.NetworkPolicy(
        this.childName(suffix),
        { metadata: { name: suffix, namespace: TELEMETRY_NAMESPACE, labels: args.labels }, spec },
        { parent: this, dependsOn: this.namespace },
      );
    this.registerOutputs({});
  }
}
