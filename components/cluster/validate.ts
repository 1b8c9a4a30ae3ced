import { refuse } from "../component.ts";
import { addressRange, isPrivate } from "../network/cidr.ts";
import type { ClusterEndpoint, SystemNodes } from "./handle.ts";

/** Arguments every managed cluster has. */
export interface ManagedClusterArgs {
  readonly clusterName: string;
  readonly endpoint: ClusterEndpoint;
  readonly systemNodes: SystemNodes;
}

/** Widest network that may reach the endpoint, bits. */
const WIDEST_ALLOWED_PREFIX = 8;

/**
 * Checks what EKS and GKE have in common.
 * @param nameLength most characters of a cluster name
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateManagedClusterArgs(args: ManagedClusterArgs, nameLength: number): void {
  if (!/^[a-z][a-z0-9-]*[a-z0-9]$/.test(args.clusterName))
    refuse("clusterName", `'${args.clusterName}' must be lower-case letters, digits and '-'`);
  if (args.clusterName.length > nameLength)
    refuse("clusterName", `'${args.clusterName}' has more than ${nameLength} characters`);
  const { access, allowedCidrs } = args.endpoint;
  if (allowedCidrs.length === 0)
    refuse("endpoint.allowedCidrs", "nobody could deploy into a cluster that admits no network");
  allowedCidrs.forEach((network, index) => {
    if (addressRange(network).prefix < WIDEST_ALLOWED_PREFIX)
      refuse(`endpoint.allowedCidrs[${index}]`, `${network} is wider than a /${WIDEST_ALLOWED_PREFIX}`);
    if (access === "private" && !isPrivate(network))
      refuse(`endpoint.allowedCidrs[${index}]`, `${network} is not a private network`);
  });
  const { min, max } = args.systemNodes;
  if (!Number.isInteger(min) || min < 1)
    refuse("systemNodes.min", `${min} is not a whole number from 1: operators need a node at all times`);
  if (!Number.isInteger(max) || max < min) refuse("systemNodes.max", `${max} is less than min ${min}`);
}
