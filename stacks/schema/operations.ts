import { z } from "zod";
import { entry } from "./entry.ts";
import { count, countOrZero, dnsName, email, isoDate, pinnedImage, secretRef } from "./primitives.ts";

const keyDigest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: "must be the SHA-256 of the key, 64 lower-case hexadecimal digits" });

const gatewayClient = z.strictObject({
  id: dnsName.describe("Name in records, metrics and bills."),
  tenant: dnsName.describe("Tenant the client belongs to; its records are digested with the tenant's key."),
  models: z.array(dnsName).min(1).describe("Models of this platform or of a provider it may call."),
  keys: z.array(keyDigest).default([]).describe("SHA-256 of its API keys: printf %s <key> | sha256sum."),
  subjects: z.array(z.string().min(1)).default([]).describe("Subjects of its tokens; needs `tokens`."),
  tools: z
    .union([z.enum(["none", "any"]), z.array(z.string().min(1)).min(1)])
    .default("none")
    .describe("Tools it may offer to a model."),
  priority: z.enum(["high", "normal", "low"]).default("normal").describe("Who goes first under load."),
  requestsPerMinute: count.default(600),
  tokensPerMinute: count.default(1_000_000),
  purpose: z.string().max(200).optional().describe("Purpose of processing, written into each record."),
  trace: z
    .strictObject({
      maxSteps: count,
      maxSeconds: count,
      maxTokens: count,
      maxUsd: z.number().min(0.01).max(1_000_000).optional().describe("Money for providers, USD."),
      maxToolCalls: count.optional().describe("Tool calls over all answers of the run."),
      maxRepeats: count
        .default(3)
        .describe("How often it may get the same tool call with the same arguments; more is a loop."),
    })
    .optional()
    .describe("Circuit breaker of one agent run (W3C trace)."),
});

const gatewayDelivery = z
  .discriminatedUnion("strategy", [
    z.strictObject({ strategy: z.literal("rolling") }).describe("All replicas, one after the other."),
    z.strictObject({
      strategy: z.literal("canary"),
      replicas: count
        .default(1)
        .describe("Replicas that get a new version; the others keep theirs until the strategy is rolling."),
    }),
  ])
  .default({ strategy: "rolling" })
  .describe("Which replicas get a new version: image, prompts, guardrails, any other setting.");

/** The guardrail gateway in front of every model. */
export const gateway = z
  .strictObject({
    image: pinnedImage
      .optional()
      .describe("Image built from gateway/Dockerfile; required where models are served."),
    redisImage: pinnedImage
      .optional()
      .describe("Redis 7 or Valkey; required with more than one replica, which count limits together."),
    replicas: count.default(2),
    delivery: gatewayDelivery,
    auditVolumeGiB: z
      .int()
      .min(5)
      .default(20)
      .describe("Volume of each replica for records not stored yet, GiB."),
    holdSeconds: z
      .int()
      .min(0)
      .max(900)
      .default(0)
      .describe("Longest a request waits for a model at zero replicas."),
    cache: z.enum(["off", "exact"]).default("off").describe("`exact` answers a repeated request per client."),
    clients: z.array(gatewayClient).default([]).describe("Who may call; nobody else is answered."),
    tokens: z
      .strictObject({
        issuer: z.url({ protocol: /^https$/, error: "must be https" }),
        audience: z.string().min(1),
        keysUrl: z.url({ protocol: /^https$/, error: "must be https" }).describe("JSON Web Key Set."),
      })
      .optional()
      .describe("Tokens of an identity provider, accepted beside keys."),
    admins: z
      .array(
        z.strictObject({
          id: dnsName.describe("Recorded as a keyed digest with each decision."),
          key: keyDigest,
          roles: z.array(z.enum(["review", "erase", "stop", "throttle"])).min(1),
        }),
      )
      .default([])
      .describe("Who may decide reviews, erase content, stop models and throttle calls."),
    entry: entry.default({ kind: "none" }),
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

const tracking = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }),
    z.strictObject({
      kind: z.literal("mlflow"),
      image: pinnedImage.describe("ghcr.io/mlflow/mlflow 3.12, the `-full` variant, or a mirror of it."),
      database: z
        .strictObject({
          uri: secretRef.describe("Value: postgresql://<user>:<password>@<host>/<database>."),
          cidr: z.cidrv4({ error: "must be a network, for example 10.20.0.0/16" }),
          port: z.int().min(1).max(65_535).default(5432),
        })
        .describe("Postgres; the Secret is in the namespace mlflow."),
      artifactDays: z.int().min(30).max(3_650).default(730).describe("Days until artifacts are deleted."),
    }),
  ])
  .describe("Where runs and registered models are kept.");

const runner = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }),
    z.strictObject({
      kind: z.literal("cluster"),
      image: pinnedImage.describe("Image built from evals/Dockerfile."),
      client: dnsName.describe("Client of the gateway it calls as."),
      key: secretRef.describe("Key of that client, in the namespace evaluation."),
      schedule: z
        .string()
        .regex(/^\S+( \S+){4}$/, { error: "must be a cron expression of five fields" })
        .default("0 2 * * *")
        .describe("When every model is evaluated, UTC; each change starts one too."),
      changesPerMonth: countOrZero
        .default(20)
        .describe("Changes of models, prompts and guardrails the cost allows for, each of which starts one."),
      maxUsd: z
        .number()
        .positive()
        .max(10_000)
        .optional()
        .describe(
          "Most one evaluation of all models may cost in GPU hours, USD; required where GPUs are rented. What it leaves unasked opens no gate.",
        ),
      maxMinutes: z.int().min(5).max(720).default(60).describe("Most minutes it takes GPUs from callers."),
      maxTokens: count.default(256).describe("Longest answer."),
      online: z
        .discriminatedUnion("kind", [
          z.strictObject({ kind: z.literal("none") }),
          z.strictObject({
            kind: z.literal("sampled"),
            share: z.number().gt(0).max(1).default(0.01).describe("Share of the consented traces."),
            judge: dnsName.describe("Model that judges; its own answers are not judged."),
            maxPerDay: count.default(1_000).describe("Most answers it judges in 24 hours."),
            distance: z
              .discriminatedUnion("kind", [
                z.strictObject({ kind: z.literal("none") }),
                z.strictObject({
                  kind: z.literal("measured"),
                  model: dnsName.describe("Model with /v1/embeddings that prompts are embedded by."),
                  suites: z
                    .array(dnsName)
                    .min(1)
                    .describe("Data sets whose questions are the reference; no guard may stop one."),
                  share: z.number().gt(0).max(1).default(0.1).describe("Share of the consented traces."),
                  maxPerDay: count.default(20_000).describe("Most prompts it embeds in 24 hours."),
                }),
              ])
              .default({ kind: "none" })
              .describe(
                "Distance of prompts to what the model was evaluated with, for LlmopsEmbeddingDrift.",
              ),
          }),
        ])
        .default({ kind: "none" })
        .describe("Judges live answers whose people agreed to it."),
    }),
  ])
  .describe("Evaluations in the cluster.");

/** Quality gate before promotion. */
export const evaluation = z
  .strictObject({
    gate: z
      .enum(["required", "advisory"])
      .default("required")
      .describe("`advisory` reports what is missing and stops nothing."),
    minSamples: count.default(200).describe("Fewest cases a report rests on."),
    maxAgeDays: count.default(90).describe("Oldest signed report that still opens the gate."),
    signer: z
      .string()
      .regex(/^-----BEGIN PUBLIC KEY-----\n[\w+/=\n]+-----END PUBLIC KEY-----\n?$/, {
        error: "must be a public key in PEM",
      })
      .optional()
      .describe("Ed25519 public key of whoever signs evaluations; deliveries are gated on its signature."),
    tracking: tracking.default({ kind: "none" }),
    dataSets: z
      .string()
      .regex(/^[a-z0-9][\w-]*(\/[\w-]+)*$/, {
        error: "must be the path of a folder from the root of the repository",
      })
      .default("evals/data")
      .describe("Folder of the pinned data sets; `llmops fork` gives each client its own."),
    runner: runner.default({ kind: "none" }),
  })
  .prefault({})
  .describe("Quality gate before promotion.");

/** Where alerts go. */
export const alerting = z
  .strictObject({
    receivers: z
      .array(
        z.discriminatedUnion("kind", [
          z.strictObject({ kind: z.literal("pagerduty"), routingKey: secretRef }),
          // Source of the date: https://support.atlassian.com/opsgenie, read 2026-11-23.
          z
            .strictObject({ kind: z.literal("opsgenie"), apiKey: secretRef })
            .describe("Atlassian ends Opsgenie on 2027-04-05: choose another receiver before."),
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
    throttle: z
      .strictObject({
        key: secretRef.describe("Key of an admin with the role `throttle`, in the namespace monitoring."),
      })
      .optional()
      .describe("Lets alerts about cost throttle the gateway."),
  })
  .prefault({})
  .describe("Where alerts go.");

/** Quantity of a month. */
const quantity = (unit: string): z.ZodOptional<z.ZodObject<{ expected: z.ZodNumber; max: z.ZodNumber }>> =>
  z
    .strictObject({
      expected: z.number().min(0).describe("On an ordinary month."),
      max: z.number().positive().max(10_000_000).describe("Most the budget allows for."),
    })
    .optional()
    .describe(unit);

const usage = z
  .strictObject({
    egressGiB: quantity("Sent to the internet, GiB per month."),
    natGiB: quantity("Through NAT gateways, GiB per month."),
    logGiB: quantity("Logs ingested, GiB per month."),
    flowLogGiB: quantity("Flow logs ingested, GiB per month."),
    objectStorageGiB: quantity("Kept in object storage, GiB."),
    balancerGiB: quantity(
      "Through the load balancer of gateway.entry, GiB per month; required with one. AWS bills capacity units: one carries a GiB in an hour.",
    ),
    metricMillionSamples: quantity("Samples taken in by a managed Prometheus, millions per month."),
    sharedFileGiB: quantity("Read from and written to shared files on EFS, GiB per month."),
  })
  .default({})
  .describe(
    "What is billed by use; what is not declared here is named in the cost report and not in its figures.",
  );

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
    rateAsOf: isoDate.optional().describe("Day `usdPerUnit` was read; required when it is not 1."),
    maxPriceAgeDays: count.default(365).describe("Oldest price the plan may rest on, days."),
    alarm: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("none") }),
        z.strictObject({
          kind: z.literal("cloud"),
          emails: z.array(email).min(1).describe("Who is told."),
          billingAccount: z
            .string()
            .regex(/^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$/, {
              error: "must be a billing account, for example 01ABCD-234567-89EFAB",
            })
            .optional()
            .describe("Google Cloud: the billing account."),
        }),
      ])
      .default({ kind: "none" })
      .describe("Budget in the cloud's own billing, which warns hours after the fact."),
    usage,
    allocation: z
      .enum(["none", "opencost"])
      .default("none")
      .describe("`opencost` splits the cluster's cost by namespace, pod and model as well."),
    owner: email,
    onUnknownPrice: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("error") }),
        z.strictObject({
          kind: z.literal("assume"),
          asOf: isoDate.describe("Day somebody asked for these prices."),
          usdPerHour: z.record(z.string(), z.number().positive()).describe("Price per SKU key, USD/h."),
          usdPerUnit: z
            .record(z.string(), z.number().positive())
            .default({})
            .describe("Price per SKU key of what is billed by use, USD per unit."),
        }),
      ])
      .default({ kind: "error" })
      .describe("What to do with a resource that has no price."),
  })
  .describe("What the environment may cost.");
