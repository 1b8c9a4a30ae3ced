import * as pulumi from "@pulumi/pulumi";
import { addressRange } from "../network/cidr.ts";
import type { ClusterEndpoint, SystemNodes } from "./handle.ts";

/** Arguments every managed cluster has. */
export interface ManagedClusterArgs {
  readonly clusterName: string;
  readonly endpoint: ClusterEndpoint;
  readonly systemNodes: SystemNodes;
}

/** Widest network that may reach a public endpoint, bits. */
const WIDEST_ALLOWED_PREFIX = 8;

/**
 * Checks what EKS and GKE have in common.
 * @param nameLength most characters of a cluster name
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateManagedClusterArgs(args: ManagedClusterArgs, nameLength: number): void {
  const fail = (propertyPath: string, reason: string): never => {
    throw new pulumi.InputPropertyError({ propertyPath, reason });
  };
  if (!/^[a-z][a-z0-9-]*[a-z0-9]$/.test(args.clusterName))
    fail("clusterName", `'${args.clusterName}' must be lower-case letters, digits and '-'`);
  if (args.clusterName.length > nameLength)
    fail("clusterName", `'${args.clusterName}' has more than ${nameLength} characters`);
  if (args.endpoint.access === "public") {
    if (args.endpoint.allowedCidrs.length === 0)
      fail("endpoint.allowedCidrs", "a public endpoint needs at least one allowed network");
    args.endpoint.allowedCidrs.forEach((network, index) => {
      if (addressRange(network).prefix < WIDEST_ALLOWED_PREFIX)
        fail(`endpoint.allowedCidrs[${index}]`, `${network} is wider than a /${WIDEST_ALLOWED_PREFIX}`);
    });
  }
  const { min, max } = args.systemNodes;
  if (!Number.isInteger(min) || min < 1)
    fail("systemNodes.min", `${min} is not a whole number from 1: operators need a node at all times`);
  if (!Number.isInteger(max) || max < min) fail("systemNodes.max", `${max} is less than min ${min}`);
}
