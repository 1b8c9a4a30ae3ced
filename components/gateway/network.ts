import type * as k8s from "@pulumi/kubernetes";
import { OTLP_HTTP_PORT, toCollectors } from "../tracing/address.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import {
  GATEWAY_ADMIN_LABEL,
  GATEWAY_CLIENT_LABEL,
  GATEWAY_PORTS,
  GATEWAY_SELECTOR,
  REDIS_NAME,
  REDIS_PORT,
} from "./address.ts";
import { clusterDns } from "../cluster/dns.ts";
import { tcp, toAddress } from "../network-policy.ts";

/** An engine the gateway may call. */
export interface EngineAddress {
  readonly namespace: string;
  readonly model: string;
  /** Port of the engine's pods. */
  readonly port: number;
}

/** Whom the gateway may talk to. */
export interface GatewayReach {
  readonly engines: readonly EngineAddress[];
  /** Networks the load balancer of the entry is in; nobody else has an address there. */
  readonly entry: readonly string[];
  /** Where cloud credentials come from: node-local addresses of the identity agent. */
  readonly identity: readonly { readonly cidr: string; readonly port: number }[];
  /** Whether it calls addresses outside of the cluster: an object store or a model provider. */
  readonly outside: "https" | "none";
  /** Whether it sends spans to the collectors. */
  readonly telemetry: "collector" | "none";
}

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type Peer = k8s.types.input.networking.v1.NetworkPolicyPeer;

const namespaces = (matchLabels: Readonly<Record<string, string>>): Peer => ({
  namespaceSelector: { matchLabels },
});

/** Policies of the namespace by name: closed in both directions, then one opening for each need. */
export function gatewayNetworkPolicies(reach: GatewayReach): Record<string, PolicySpec> {
  const podSelector = { matchLabels: GATEWAY_SELECTOR };
  const outside: PolicySpec["egress"] =
    reach.outside === "none" ? [] : [toAddress({ cidr: "0.0.0.0/0", port: 443 })];
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    ingress: {
      podSelector,
      policyTypes: ["Ingress"],
      ingress: [
        { from: [namespaces(GATEWAY_CLIENT_LABEL)], ports: [tcp(GATEWAY_PORTS.api)] },
        { from: [namespaces(GATEWAY_ADMIN_LABEL)], ports: [tcp(GATEWAY_PORTS.admin)] },
        {
          from: [namespaces({ "kubernetes.io/metadata.name": MONITORING_NAMESPACE })],
          ports: [tcp(GATEWAY_PORTS.api)],
        },
        ...(reach.entry.length === 0
          ? []
          : [{ from: reach.entry.map((cidr) => ({ ipBlock: { cidr } })), ports: [tcp(GATEWAY_PORTS.api)] }]),
      ],
    },
    egress: {
      podSelector,
      policyTypes: ["Egress"],
      egress: [
        clusterDns(),
        {
          to: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": REDIS_NAME } } }],
          ports: [tcp(REDIS_PORT)],
        },
        ...reach.engines.map(({ namespace, model, port }) => ({
          to: [
            {
              ...namespaces({ "kubernetes.io/metadata.name": namespace }),
              podSelector: { matchLabels: { "llmops.io/model": model } },
            },
          ],
          ports: [tcp(port)],
        })),
        ...reach.identity.map(toAddress),
        ...(reach.telemetry === "none" ? [] : [toCollectors(OTLP_HTTP_PORT)]),
        ...outside,
      ],
    },
  };
}
