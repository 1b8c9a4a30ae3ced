import * as aws from "../sdk/aws.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { EksRole, type EksRoleArgs } from "./eks-role.ts";

/** An IAM role for one service account of a cluster. */
export interface PodIdentityArgs extends Omit<EksRoleArgs, "principal"> {
  readonly clusterName: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** An IAM role that pods of one service account get through EKS Pod Identity. */
export class PodIdentity extends LlmopsComponent {
  /** Pods that need the role wait for it. */
  readonly association: aws.eks.PodIdentityAssociation;

  constructor(name: string, args: PodIdentityArgs, opts?: ComponentOptions) {
    super("cluster", "PodIdentity", name, opts);
    const { clusterName, namespace, serviceAccount, ...role } = args;
    const granted = new EksRole(
      this.childName("role"),
      { ...role, principal: "pods.eks.amazonaws.com" },
      { parent: this },
    );
    this.association = new aws.eks.PodIdentityAssociation(
      this.childName("association"),
      { clusterName, namespace, serviceAccount, roleArn: granted.role.arn, tags: args.tags },
      { parent: this, dependsOn: [...granted.attachments] },
    );
    this.registerOutputs({ roleName: args.roleName });
  }
}
