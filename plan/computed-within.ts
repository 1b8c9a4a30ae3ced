/** What only the cloud knows within an output that otherwise repeats an input; repeated alone, it would be missing. */
export const COMPUTED_WITHIN: Readonly<Record<string, { readonly input: string; readonly field: string }>> = {
  "aws:eks/cluster:Cluster": { input: "vpcConfig", field: "clusterSecurityGroupId" },
};
