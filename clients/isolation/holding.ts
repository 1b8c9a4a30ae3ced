/** What clients must never have in common. */
export const KINDS = ["kms-key", "bucket", "namespace", "identity", "secret", "network", "hostname"] as const;

/** One of the kinds. */
export type Kind = (typeof KINDS)[number];

/** Something a stack creates or refers to, under a name that means the same thing in every stack. */
export interface Holding {
  readonly kind: Kind;
  /** For example `s3://acme-prod-audit-111122223333` or `aws-role:111122223333:acme-prod-karpenter`. */
  readonly id: string;
  /** URN, or the key of the stack file. */
  readonly where: string;
}

/** Something whose name the plan cannot tell, so that nobody knows whether another stack has it as well. */
export interface Unproven {
  readonly kind: Kind;
  readonly where: string;
  readonly reason: string;
}

/** What a stack has, as far as its plan tells. */
export interface Holdings {
  readonly known: readonly Holding[];
  readonly unproven: readonly Unproven[];
}
