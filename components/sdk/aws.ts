/**
 * The services of AWS this blueprint uses. The package as a whole declares over two hundred: each command would load them, and each
 * check of types and of style would read their million lines.
 */
export * as acm from "@pulumi/aws/acm/index.js";
export * as amp from "@pulumi/aws/amp/index.js";
export * as budgets from "@pulumi/aws/budgets/index.js";
export * as cloudtrail from "@pulumi/aws/cloudtrail/index.js";
export * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
export * as costexplorer from "@pulumi/aws/costexplorer/index.js";
export * as ec2 from "@pulumi/aws/ec2/index.js";
export * as efs from "@pulumi/aws/efs/index.js";
export * as eks from "@pulumi/aws/eks/index.js";
export * as iam from "@pulumi/aws/iam/index.js";
export * as kms from "@pulumi/aws/kms/index.js";
export * as lb from "@pulumi/aws/lb/index.js";
export { Provider } from "@pulumi/aws/provider.js";
export * as route53 from "@pulumi/aws/route53/index.js";
export * as s3 from "@pulumi/aws/s3/index.js";
export * as sns from "@pulumi/aws/sns/index.js";
export * as sqs from "@pulumi/aws/sqs/index.js";
export type * as types from "@pulumi/aws/types/index.js";
export * as vpc from "@pulumi/aws/vpc/index.js";
