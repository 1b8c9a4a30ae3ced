import type * as k8s from "@pulumi/kubernetes";
import { clusterDns } from "../cluster/dns.ts";
import { tcp, toAddress, toObjectStore, type Address } from "../network-policy.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import { MLFLOW_CLIENT_LABEL, MLFLOW_PORT } from "./address.ts";

/** Whom MLflow may talk to. */
export interface TrackingReach {
  /** Where Postgres is. */
  readonly database: Address;
  /** Where cloud credentials come from: node-local addresses of the identity agent. */
  readonly identity: readonly Address[];
}

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** Policies of the namespace by name: closed in both directions, then one opening for each need. */
export function trackingPolicies({ database, identity }: TrackingReach): Record<string, PolicySpec> {
  const from = (matchLabels: Readonly<Record<string, string>>): { namespaceSelector: object } => ({
    namespaceSelector: { matchLabels },
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
      egress: [clusterDns(), toAddress(database), ...toObjectStore(identity)],
    },
  };
}
