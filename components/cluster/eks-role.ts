import { createHash } from "node:crypto";
import * as aws from "../sdk/aws.ts";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** Who may assume a role: an AWS service, or a service account of the cluster through EKS Pod Identity. */
export type RolePrincipal = "eks.amazonaws.com" | "ec2.amazonaws.com" | "pods.eks.amazonaws.com";

/** An IAM role with its policies. */
export interface EksRoleArgs {
  /** Physical name, at most 64 characters. */
  readonly roleName: string;
  readonly principal: RolePrincipal;
  /** Names of AWS managed policies, for example `AmazonEKSClusterPolicy`. @default [] */
  readonly managedPolicies?: readonly string[];
  /** Inline policy as JSON. */
  readonly inlinePolicy?: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Longest name of an IAM role, characters.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const ROLE_NAME_LENGTH = 64;

/** A role name that holds somebody's own names: where it is too long, its end becomes a hash of the whole. */
export function fittingRoleName(name: string): string {
  if (name.length <= ROLE_NAME_LENGTH) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 10);
  return `${name.slice(0, ROLE_NAME_LENGTH - hash.length - 1)}-${hash}`;
}

/** Trust policy as JSON. Pod Identity also tags the session, so that policies can ask for the service account. */
export function trustPolicy(principal: RolePrincipal): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: principal },
        Action:
          principal === "pods.eks.amazonaws.com" ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"],
      },
    ],
  });
}

/** An IAM role; `attachments` exist before the role can do anything, so whatever uses the role depends on them. */
export class EksRole extends LlmopsComponent {
  readonly role: aws.iam.Role;
  readonly attachments: readonly pulumi.Resource[];

  /** @throws pulumi.InputPropertyError when the name is too long */
  constructor(name: string, args: EksRoleArgs, opts?: ComponentOptions) {
    if (args.roleName.length > ROLE_NAME_LENGTH)
      throw new pulumi.InputPropertyError({
        propertyPath: "roleName",
        reason: `'${args.roleName}' has more than ${ROLE_NAME_LENGTH} characters`,
      });
    super("cluster", "EksRole", name, opts);
    this.role = new aws.iam.Role(
      this.childName("role"),
      { name: args.roleName, assumeRolePolicy: trustPolicy(args.principal), tags: args.tags },
      { parent: this },
    );
    const managed = (args.managedPolicies ?? []).map(
      (policy) =>
        new aws.iam.RolePolicyAttachment(
          this.childName(policy),
          { role: this.role.name, policyArn: `arn:aws:iam::aws:policy/${policy}` },
          { parent: this },
        ),
    );
    const inline =
      args.inlinePolicy === undefined
        ? []
        : [
            new aws.iam.RolePolicy(
              this.childName("inline"),
              { name: "inline", role: this.role.name, policy: args.inlinePolicy },
              { parent: this },
            ),
          ];
    this.attachments = [...managed, ...inline];
    this.registerOutputs({ roleName: args.roleName });
  }
}
