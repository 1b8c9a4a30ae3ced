import { z } from "zod";
import { count, dnsName, email, isoDate } from "./primitives.ts";

/** Art. 5(1)(a)-(h): practices that are prohibited whatever else holds. */
const PRACTICES = [
  "subliminal-manipulation",
  "exploitation-of-vulnerabilities",
  "social-scoring",
  "crime-prediction-by-profiling",
  "facial-image-scraping",
  "emotion-inference-at-work-or-school",
  "biometric-categorisation-of-sensitive-traits",
  "real-time-remote-biometric-identification",
] as const;

const yesNo = z.enum(["yes", "no"]);

/**
 * Questions of Regulation (EU) 2024/1689 (AI Act) about the system; `classification.ts` derives the risk class from the answers
 * and the declared level must agree with it.
 */
export const riskClass = z
  .strictObject({
    level: z
      .enum(["high", "limited", "minimal"])
      .describe("Risk class; a prohibited system (Art. 5) cannot be configured."),
    role: z.enum(["provider", "deployer", "both"]).describe("Role of the client under Art. 3."),
    intendedPurpose: z.string().min(20).describe("What the system is for, in a sentence (Annex IV 1(a))."),
    annexIII: z
      .string()
      .regex(/^[1-8](\([a-d]\))?$/, { error: "must be a point of Annex III, for example 5(b)" })
      .optional()
      .describe("Point of Annex III, for a high-risk system."),
    owner: email.describe("Accountable person or group."),
    practices: z
      .array(z.enum(PRACTICES))
      .default([])
      .describe("Practices of Art. 5(1) the system serves; any of them is refused."),
    annexI: z
      .string()
      .min(5)
      .optional()
      .describe("Product legislation of Annex I the system is a safety component under (Art. 6(1))."),
    exception: z
      .strictObject({
        ground: z
          .enum([
            "narrow-procedural-task",
            "improves-completed-human-activity",
            "detects-decision-patterns",
            "preparatory-task",
          ])
          .describe("Point of Art. 6(3)."),
        assessment: z.string().min(3).describe("Reference of the documented assessment (Art. 6(4))."),
      })
      .optional()
      .describe("Why a system of Annex III is not high-risk; never for one that profiles people."),
    profiling: yesNo.default("no").describe("Whether it profiles natural persons (GDPR Art. 4(4))."),
    interactsWithPeople: yesNo.default("yes").describe("Whether people talk to it (Art. 50(1))."),
    generates: z
      .enum(["text", "media", "nothing"])
      .default("text")
      .describe("What content it generates (Art. 50(2))."),
    decisions: z
      .enum(["none", "assists", "decides"])
      .default("none")
      .describe("Part in decisions about natural persons (Art. 14, 26(11); GDPR Art. 22)."),
    publicService: yesNo
      .default("no")
      .describe("Whether a public body or a provider of public services deploys it (Art. 27(1))."),
    biometricIdentification: z
      .enum(["none", "remote"])
      .default("none")
      .describe("Remote biometric identification (Annex III 1(a), Art. 12(3))."),
    placedOnMarket: isoDate
      .optional()
      .describe("Day it was placed on the market or put into service (Art. 111)."),
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

/** Ten-year store of technical documentation. */
export const documentation = z
  .strictObject({
    vault: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("none") }),
        z
          .strictObject({
            kind: z.literal("locked"),
            retentionDays: z
              .int()
              .min(3_650)
              .default(3_653)
              .describe("Days each document is kept; ten years are at most 3653 (AI Act Art. 18(1))."),
          })
          .describe("A bucket of its own under an irreversible lock."),
      ])
      .default({ kind: "none" }),
  })
  .prefault({})
  .describe("Where technical documentation, evidence and reports are kept.");

/** What people and machines are told about generated answers. */
export const transparency = z
  .strictObject({
    disclosure: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z.literal("notice"),
          text: z
            .string()
            .min(10)
            .max(500)
            .describe("Sentence an application shows before the first answer."),
          language: z
            .string()
            .regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, { error: "must be a language tag, for example es" }),
        }),
        z.strictObject({
          kind: z.literal("obvious"),
          justification: z.string().min(30).max(500).describe("Why a reasonable person sees it anyway."),
        }),
        z.strictObject({ kind: z.literal("none") }),
      ])
      .default({ kind: "none" })
      .describe("How people learn that they talk to a machine (AI Act Art. 50(1))."),
    marking: z
      .enum(["headers", "none"])
      .default("headers")
      .describe("Whether answers are marked for machines as generated (AI Act Art. 50(2))."),
  })
  .prefault({})
  .describe("What people and machines are told about generated answers.");

/** What no infrastructure can prove: a person declares it, for a limited time. */
export const attestations = z
  .array(
    z.strictObject({
      control: z.string().min(1).describe("Id of the control it serves."),
      subject: z.string().min(1).default("stack").describe("What it is about; the control's page names it."),
      owner: email.describe("Who answers for it."),
      statement: z.string().min(20).describe("What is declared, in a sentence."),
      reference: z.string().min(3).describe("Where the document, report or record is."),
      date: isoDate.describe("Day the declared thing was done."),
      expires: isoDate.describe("Last day the declaration holds; at most 730 days after `date`."),
    }),
  )
  .default([])
  .describe("What no infrastructure can prove: a person declares it, for a limited time.");

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
