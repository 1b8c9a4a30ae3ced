/** Addons every EKS cluster has. */
export const EKS_ADDONS = [
  "eks-pod-identity-agent",
  "kube-proxy",
  "vpc-cni",
  "coredns",
  "aws-ebs-csi-driver",
] as const;

/** Name of an addon. */
export type EksAddon = (typeof EKS_ADDONS)[number];
