import { z } from "zod";
import { count, dnsName, email, isoDate } from "./primitives.ts";

/** Classification under Regulation (EU) 2024/1689 (AI Act). */
export const riskClass = z
  .strictObject({
    level: z
      .enum(["high", "limited", "minimal"])
      .describe("Prohibited practices (Art. 5) cannot be configured."),
    role: z.enum(["provider", "deployer", "both"]).describe("Role of the client under Art. 3."),
    intendedPurpose: z.string().min(20).describe("What the system is for, in a sentence (Annex IV 1(a))."),
    annexIII: z
      .string()
      .regex(/^[1-8](\([a-d]\))?$/, { error: "must be a point of Annex III, for example 5(b)" })
      .optional()
      .describe("Point of Annex III, for a high-risk system."),
    owner: email.describe("Accountable person or group."),
  })
  .describe("AI Act classification; it decides which controls apply.");

/** Audit log of every interaction. */
export const audit = z
  .strictObject({
    mode: z
      .enum(["required", "best-effort"])
      .default("required")
      .describe("`required`: no record, no answer."),
    retentionDays: z.int().min(1).describe("Days each record is kept."),
    objectLock: z.enum(["compliance", "governance", "none"]).describe("Immutability of the stored records."),
    replica: z
      .strictObject({
        bucketArn: z
          .string()
          .regex(/^arn:aws:s3:::[a-z0-9.-]{3,63}$/, { error: "must be the ARN of a bucket" }),
        keyArn: z
          .string()
          .regex(/^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, { error: "must be the ARN of a key" }),
      })
      .optional()
      .describe("AWS: versioned bucket with Object Lock that gets a copy of every record, with its key."),
    content: z.enum(["none", "encrypted"]).default("none").describe("Whether prompts and answers are kept."),
  })
  .describe("Audit log of every interaction.");

/** Human oversight. */
export const oversight = z
  .strictObject({
    contact: email.describe("Who can stop the system and reviews flagged answers (AI Act Art. 14)."),
    review: z.enum(["flagged", "none"]).default("flagged").describe("Which answers wait for a person."),
  })
  .describe("Human oversight.");

/** Time-limited exceptions to a control. */
export const exemptions = z
  .array(
    z.strictObject({
      id: z.string().regex(/^EX-\d{4}-\d{3}$/, { error: "must look like EX-2026-014" }),
      control: z.string().min(1).describe("Id of exactly one control."),
      resource: z
        .string()
        .min(1)
        .refine((value) => value !== "*", { error: "must name a resource; '*' would exempt everything" }),
      reason: z.string().min(30).describe("At least 30 characters."),
      approvedBy: email,
      ticket: z.string().min(1),
      created: isoDate,
      expires: isoDate.describe("At most 90 days after `created`."),
    }),
  )
  .default([])
  .describe("Time-limited exceptions to a control.");

/** Tenants of the cluster. */
export const tenancy = z
  .strictObject({
    tenants: z
      .array(
        z.strictObject({
          name: dnsName.describe("Namespace of the tenant."),
          gpus: z.int().min(0).describe("Most GPUs its pods may request together."),
          cpus: count.describe("Most CPU cores its pods may request together."),
          memoryGiB: count.describe("Most memory its pods may request together, GiB."),
        }),
      )
      .min(1),
  })
  .describe("Tenants: a namespace each, with quota, Pod Security level and network isolation.");
