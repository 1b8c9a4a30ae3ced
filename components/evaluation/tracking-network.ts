import type * as k8s from "@pulumi/kubernetes";
import { clusterDns } from "../cluster/dns.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import { MLFLOW_CLIENT_LABEL, MLFLOW_PORT } from "./address.ts";

/** Whom MLflow may talk to. */
export interface TrackingReach {
  /** Where Postgres is. */
  readonly database: { readonly cidr: string; readonly port: number };
  /** Where cloud credentials come from: node-local addresses of the identity agent. */
  readonly identity: readonly { readonly cidr: string; readonly port: number }[];
}

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;

const tcp = (port: number): k8s.types.input.networking.v1.NetworkPolicyPort => ({ protocol: "TCP", port });

/** Policies of the namespace by name: closed in both directions, then one opening for each need. */
export function trackingPolicies({ database, identity }: TrackingReach): Record<string, PolicySpec> {
  const from = (matchLabels: Readonly<Record<string, string>>): { namespaceSelector: object } => ({
    namespaceSelector: { matchLabels },
  });
  const to = (cidr: string, port: number): k8s.types.input.networking.v1.NetworkPolicyEgressRule => ({
    to: [{ ipBlock: { cidr } }],
    ports: [tcp(port)],
  });
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    clients: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [from(MLFLOW_CLIENT_LABEL), from({ "kubernetes.io/metadata.name": MONITORING_NAMESPACE })],
          ports: [tcp(MLFLOW_PORT)],
        },
      ],
    },
    stores: {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        clusterDns(),
        to(database.cidr, database.port),
        // The object store; its addresses are not known before.
        to("0.0.0.0/0", 443),
        ...identity.map(({ cidr, port }) => to(cidr, port)),
      ],
    },
  };
}
