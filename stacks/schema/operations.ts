import { z } from "zod";
import { count, email, secretRef } from "./primitives.ts";

/** The guardrail gateway in front of every model. */
export const gateway = z
  .strictObject({
    replicas: count.default(2),
    holdSeconds: z
      .int()
      .min(0)
      .max(900)
      .default(0)
      .describe("Longest a request waits for a model at zero replicas."),
    cache: z.enum(["off", "exact"]).default("off").describe("`exact` answers a repeated request per client."),
  })
  .prefault({})
  .describe("The guardrail gateway in front of every model.");

const action = z.enum(["block", "redact", "flag", "off"]);

/** What the gateway does with what it finds. */
export const guardrails = z
  .strictObject({
    pii: action.default("redact").describe("Personal data (DNI, NIE, IBAN, phone, e-mail, card)."),
    secrets: action.default("block").describe("Credentials in prompts or answers."),
    promptInjection: action.default("block"),
    streaming: z.enum(["window", "buffer", "refuse"]).default("window").describe("How guards read a stream."),
  })
  .prefault({})
  .describe("What the gateway does with what it finds.");

/** Quality gate before promotion. */
export const evaluation = z
  .strictObject({
    gate: z.enum(["required", "advisory"]).default("required"),
    minSamples: count.default(200),
    maxAgeDays: count.default(90).describe("Oldest signed report that still opens the gate."),
  })
  .prefault({})
  .describe("Quality gate before promotion.");

/** Metrics and traces. */
export const observability = z
  .strictObject({
    metricsRetentionDays: count.default(30),
    traceSampling: z.number().min(0).max(1).default(0.05).describe("Share of requests with a full trace."),
  })
  .prefault({})
  .describe("Metrics and traces.");

/** Where alerts go. */
export const alerting = z
  .strictObject({
    receivers: z
      .array(
        z.discriminatedUnion("kind", [
          z.strictObject({ kind: z.literal("pagerduty"), routingKey: secretRef }),
          z.strictObject({ kind: z.literal("opsgenie"), apiKey: secretRef }),
          z.strictObject({
            kind: z.literal("slack"),
            webhook: secretRef,
            channel: z.string().startsWith("#"),
          }),
          z.strictObject({
            kind: z.literal("webhook"),
            url: z.url({ protocol: /^https$/, error: "must be https" }),
          }),
        ]),
      )
      .default([]),
  })
  .prefault({})
  .describe("Where alerts go.");

/** What the environment may cost. */
export const budget = z
  .strictObject({
    monthly: z.number().positive().describe("Most the environment may cost in a month at its ceiling."),
    currency: z.enum(["USD", "EUR"]),
    usdPerUnit: z
      .number()
      .positive()
      .default(1)
      .describe("USD of one unit of the currency; 1 is on the safe side while a euro is worth more."),
    owner: email,
    onUnknownPrice: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("error") }),
        z.strictObject({
          kind: z.literal("assume"),
          usdPerHour: z.record(z.string(), z.number().positive()).describe("Price per SKU key, USD/h."),
        }),
      ])
      .default({ kind: "error" })
      .describe("What to do with a resource that has no price."),
  })
  .describe("What the environment may cost.");
