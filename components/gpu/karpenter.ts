import * as aws from "../sdk/aws.ts";
import type * as pulumi from "@pulumi/pulumi";
import { HelmAddon } from "../addon/helm-addon.ts";
import { EksRole } from "../cluster/eks-role.ts";
import { PodIdentity } from "../cluster/pod-identity.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { karpenterPolicy } from "./karpenter-policy.ts";

/** What creates nodes on demand on EKS. */
export interface KarpenterArgs {
  readonly clusterName: string;
  readonly accountId: string;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
}

const NAMESPACE = "kube-system";
const SERVICE_ACCOUNT = "karpenter";

/** Events that announce the loss of a node. Source: https://karpenter.sh/docs/concepts/disruption/#interruption */
const INTERRUPTIONS = {
  health: { source: ["aws.health"], "detail-type": ["AWS Health Event"] },
  spot: { source: ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"] },
  rebalance: { source: ["aws.ec2"], "detail-type": ["EC2 Instance Rebalance Recommendation"] },
  state: { source: ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"] },
} as const;

/** Karpenter with pod identity, a role for its nodes, and a queue that tells it of interruptions before they happen. */
export class Karpenter extends LlmopsComponent {
  /** Name of the role of every node it creates; known before deployment. */
  readonly nodeRoleName: string;
  /** Node pools depend on it: it brings their definitions. */
  readonly chart: HelmAddon;

  constructor(name: string, args: KarpenterArgs, opts: ComponentOptions) {
    super("gpu", "Karpenter", name, opts);
    this.nodeRoleName = `${args.clusterName}-karpenter-node`;
    const nodeAccess = this.#nodeRole(args);
    const queueName = `${args.clusterName}-karpenter`;
    const interruptions = this.#interruptions(args, queueName);
    const identity = this.#controllerIdentity(args, queueName);
    this.chart = new HelmAddon(
      this.childName("chart"),
      {
        chart: "karpenter",
        namespace: NAMESPACE,
        values: {
          settings: { clusterName: args.clusterName, interruptionQueue: queueName },
          serviceAccount: { create: true, name: SERVICE_ACCOUNT },
        },
      },
      { parent: this, dependsOn: [...nodeAccess, ...interruptions, identity] },
    );
    this.registerOutputs({ nodeRoleName: this.nodeRoleName });
  }

  #nodeRole(args: KarpenterArgs): pulumi.Resource[] {
    const role = new EksRole(
      this.childName("node"),
      {
        roleName: this.nodeRoleName,
        principal: "ec2.amazonaws.com",
        managedPolicies: ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
        tags: args.tags,
      },
      { parent: this },
    );
    const access = new aws.eks.AccessEntry(
      this.childName("node-access"),
      { clusterName: args.clusterName, principalArn: role.role.arn, type: "EC2_LINUX", tags: args.tags },
      { parent: this },
    );
    return [...role.attachments, access];
  }

  #interruptions(args: KarpenterArgs, queueName: string): pulumi.Resource[] {
    const queueArn = `arn:aws:sqs:${args.region}:${args.accountId}:${queueName}`;
    const queue = new aws.sqs.Queue(
      this.childName("interruptions"),
      { name: queueName, messageRetentionSeconds: 300, sqsManagedSseEnabled: true, tags: args.tags },
      { parent: this },
    );
    const policy = new aws.sqs.QueuePolicy(
      this.childName("interruptions"),
      {
        queueUrl: queue.url,
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: ["events.amazonaws.com"] },
              Action: "sqs:SendMessage",
              Resource: queueArn,
              Condition: { StringEquals: { "aws:SourceAccount": args.accountId } },
            },
            {
              Effect: "Deny",
              Principal: "*",
              Action: "sqs:*",
              Resource: queueArn,
              Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
          ],
        }),
      },
      { parent: this },
    );
    const targets = Object.entries(INTERRUPTIONS).map(([event, pattern]) => {
      const rule = new aws.cloudwatch.EventRule(
        this.childName(`event-${event}`),
        {
          name: `${args.clusterName}-karpenter-${event}`,
          eventPattern: JSON.stringify(pattern),
          tags: args.tags,
        },
        { parent: this },
      );
      return new aws.cloudwatch.EventTarget(
        this.childName(`event-${event}`),
        { rule: rule.name, arn: queue.arn },
        { parent: this },
      );
    });
    return [policy, ...targets];
  }

  #controllerIdentity(args: KarpenterArgs, queueName: string): pulumi.Resource {
    const identity = new PodIdentity(
      this.childName("controller"),
      {
        clusterName: args.clusterName,
        namespace: NAMESPACE,
        serviceAccount: SERVICE_ACCOUNT,
        roleName: `${args.clusterName}-karpenter`,
        inlinePolicy: karpenterPolicy({ ...args, nodeRoleName: this.nodeRoleName, queueName }),
        tags: args.tags,
      },
      { parent: this },
    );
    return identity.association;
  }
}
