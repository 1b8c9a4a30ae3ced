/** Names the Karpenter controller's permissions are bound to. */
export interface KarpenterScope {
  readonly clusterName: string;
  readonly accountId: string;
  readonly region: string;
  readonly nodeRoleName: string;
  readonly queueName: string;
}

/**
 * Permissions of the Karpenter controller as JSON: read prices and offers, start and stop only instances tagged with the
 * cluster, pass only the node role.
 * @see https://karpenter.sh/docs/reference/cloudformation/ (what the controller calls, read 2026-11-24)
 */
export function karpenterPolicy(scope: KarpenterScope): string {
  const { clusterName, accountId, region, nodeRoleName, queueName } = scope;
  const ec2 = (kind: string): string => `arn:aws:ec2:${region}:*:${kind}/*`;
  const owned = {
    StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${clusterName}`]: "owned" },
    StringLike: { "aws:ResourceTag/karpenter.sh/nodepool": "*" },
  };
  const creating = {
    StringEquals: { [`aws:RequestTag/kubernetes.io/cluster/${clusterName}`]: "owned" },
    StringLike: { "aws:RequestTag/karpenter.sh/nodepool": "*" },
  };
  const allow = (
    sid: string,
    actions: readonly string[],
    resources: readonly string[],
    condition?: object,
  ): object => ({
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(condition === undefined ? {} : { Condition: condition }),
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      allow(
        "LaunchFrom",
        ["ec2:RunInstances", "ec2:CreateFleet"],
        [
          `arn:aws:ec2:${region}::image/*`,
          `arn:aws:ec2:${region}::snapshot/*`,
          ec2("security-group"),
          ec2("subnet"),
          ec2("capacity-reservation"),
        ],
      ),
      allow("LaunchOwnTemplate", ["ec2:RunInstances", "ec2:CreateFleet"], [ec2("launch-template")], owned),
      allow(
        "CreateTagged",
        ["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"],
        ["fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request"].map(
          ec2,
        ),
        creating,
      ),
      allow(
        "TagOnCreate",
        ["ec2:CreateTags"],
        ["fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request"].map(
          ec2,
        ),
        {
          StringEquals: {
            ...creating.StringEquals,
            "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
          },
          StringLike: creating.StringLike,
        },
      ),
      allow("TagOwnInstances", ["ec2:CreateTags"], [ec2("instance")], owned),
      allow(
        "DeleteOwn",
        ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
        [ec2("instance"), ec2("launch-template")],
        owned,
      ),
      allow(
        "ReadOffers",
        [
          "ec2:DescribeCapacityReservations",
          "ec2:DescribeImages",
          "ec2:DescribeInstances",
          "ec2:DescribeInstanceStatus",
          "ec2:DescribeInstanceTypeOfferings",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeLaunchTemplates",
          "ec2:DescribePlacementGroups",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSpotPriceHistory",
          "ec2:DescribeSubnets",
        ],
        ["*"],
        { StringEquals: { "aws:RequestedRegion": region } },
      ),
      allow("ReadImages", ["ssm:GetParameter"], [`arn:aws:ssm:${region}::parameter/aws/service/*`]),
      allow("ReadPrices", ["pricing:GetProducts"], ["*"]),
      allow(
        "ReadInterruptions",
        ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
        [`arn:aws:sqs:${region}:${accountId}:${queueName}`],
      ),
      allow("PassNodeRole", ["iam:PassRole"], [`arn:aws:iam::${accountId}:role/${nodeRoleName}`], {
        StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" },
      }),
      allow(
        "CreateInstanceProfile",
        ["iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
        [`arn:aws:iam::${accountId}:instance-profile/*`],
        { StringEquals: { [`aws:RequestTag/kubernetes.io/cluster/${clusterName}`]: "owned" } },
      ),
      allow(
        "ChangeInstanceProfile",
        ["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"],
        [`arn:aws:iam::${accountId}:instance-profile/*`],
        { StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${clusterName}`]: "owned" } },
      ),
      allow(
        "ReadInstanceProfile",
        ["iam:GetInstanceProfile", "iam:ListInstanceProfiles"],
        [`arn:aws:iam::${accountId}:instance-profile/*`],
      ),
      allow(
        "ReadCluster",
        ["eks:DescribeCluster"],
        [`arn:aws:eks:${region}:${accountId}:cluster/${clusterName}`],
      ),
    ],
  });
}
