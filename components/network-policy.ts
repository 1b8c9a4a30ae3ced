import type * as k8s from "@pulumi/kubernetes";

/** An address range and a port, for example of the agent that hands out a pod's cloud credentials. */
export interface Address {
  readonly cidr: string;
  readonly port: number;
}

/** A TCP port in a rule. */
export function tcp(port: number): k8s.types.input.networking.v1.NetworkPolicyPort {
  return { protocol: "TCP", port };
}

/** Way of pods to an address. */
export function toAddress({ cidr, port }: Address): k8s.types.input.networking.v1.NetworkPolicyEgressRule {
  return { to: [{ ipBlock: { cidr } }], ports: [tcp(port)] };
}

/**
 * Ways of pods to an object store of the cloud, whose addresses nobody knows before, and to what gives them an identity there.
 * @param identity node-local addresses of the agent that hands out credentials
 */
export function toObjectStore(
  identity: readonly Address[],
): k8s.types.input.networking.v1.NetworkPolicyEgressRule[] {
  return [toAddress({ cidr: "0.0.0.0/0", port: 443 }), ...identity.map(toAddress)];
}
