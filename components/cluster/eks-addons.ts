/** Addons every EKS cluster has. */
export const EKS_ADDONS = [
  "eks-pod-identity-agent",
  "kube-proxy",
  "vpc-cni",
  "coredns",
  "aws-ebs-csi-driver",
] as const;

/** Driver of shared files, on clusters that have some. */
export const EFS_DRIVER = "aws-efs-csi-driver";

/** Name of an addon that every cluster has. */
export type EksAddon = (typeof EKS_ADDONS)[number];
