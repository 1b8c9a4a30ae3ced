import { z } from "zod";
import { ACCELERATORS } from "../components/gpu/accelerators.ts";
import { cidr, count, email, shortName } from "../stacks/schema/primitives.ts";

const common = {
  client: shortName,
  /** How people write the client's name. */
  displayName: z.string().min(1).max(60),
  environment: z.enum(["dev", "staging", "prod"]),
  region: z.string().min(1),
  zones: z.array(z.string().min(1)).min(1),
  /** Answers for budget, risk class and oversight until somebody names others. */
  owner: email,
  /** Where the client's images are pushed: host and path. */
  registry: z.string().regex(/^[a-z0-9][a-z0-9.:/_-]+$/, {
    error: "must be a registry such as registry.initech.example, without https://",
  }),
  monthlyBudget: z.number().positive(),
  retentionDays: count,
  /** Sentence for `riskClass.intendedPurpose`; the template's own when absent. */
  purpose: z.string().min(20).optional(),
  /** Accelerators that take the place of a pool's own. */
  accelerators: z.record(z.string(), z.enum(ACCELERATORS)).default({}),
  /** Machine type of the nodes without GPU; the template's own, or its equivalent, when absent. */
  systemNodes: z.string().min(1).optional(),
};

/** What a fork needs to know about the client; kept in its record, so that an upgrade makes the same fork again. */
export const forkAnswers = z.discriminatedUnion("cloud", [
  z.strictObject({
    cloud: z.literal("aws"),
    accountId: z.string().regex(/^\d{12}$/, { error: "must be the 12-digit AWS account id" }),
    network: cidr,
    ...common,
  }),
  z.strictObject({
    cloud: z.literal("gcp"),
    projectId: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, {
      error: "must be a Google Cloud project id (6-30 characters)",
    }),
    projectNumber: z.string().regex(/^\d{6,}$/, { error: "must be the numeric project number" }),
    /** Account the budget alarm needs; without it the fork has no alarm. */
    billingAccount: z.string().optional(),
    network: z.strictObject({ cidr, podsCidr: cidr, servicesCidr: cidr, controlPlaneCidr: cidr }),
    ...common,
  }),
]);

/** Validated answers. */
export type ForkAnswers = z.output<typeof forkAnswers>;

/** Name of the fork's stack. */
export function stackOf({ client, environment }: Pick<ForkAnswers, "client" | "environment">): string {
  return `${client}-${environment}`;
}
