import { z } from "zod";
import { count, countOrZero, dnsName, isoDate, secretRef, sha256 } from "./primitives.ts";

const usd = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,6})?$/, { error: 'must be a decimal amount in quotes, for example "2.50"' })
  .describe("USD per million tokens.");

const scheduler = {
  image: z
    .string()
    .regex(/^[^\s]+@sha256:[0-9a-f]{64}$/, {
      error: "must be pinned by digest: <image>@sha256:<64 hex digits>",
    })
    .describe("Container image, pinned by digest."),
  maxModelLen: z.int().min(256).describe("Longest context served, tokens."),
  maxNumSeqs: count.describe("Most sequences in one batch."),
};

const engine = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("vllm"), ...scheduler }),
    z.strictObject({ kind: z.literal("sglang"), ...scheduler }),
    z.strictObject({ kind: z.literal("triton"), backend: z.enum(["tensorrt-llm", "vllm"]), ...scheduler }),
    z
      .strictObject({ kind: z.literal("tgi"), ...scheduler })
      .describe("Legacy: in maintenance mode since 2025-12."),
  ])
  .describe("Inference engine.");

const source = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("s3"), uri: z.string().regex(/^s3:\/\/.+/), digest: sha256 }),
    z.strictObject({ kind: z.literal("gs"), uri: z.string().regex(/^gs:\/\/.+/), digest: sha256 }),
    z.strictObject({ kind: z.literal("oci"), image: z.string().min(1), digest: sha256 }),
    z.strictObject({
      kind: z.literal("hub"),
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, { error: "must be <organisation>/<model>" }),
      revision: z
        .string()
        .regex(/^[0-9a-f]{40}$/, { error: "must be a full commit id (40 hex digits), not a branch" }),
    }),
  ])
  .describe("Where the weights come from, pinned to immutable content.");

const architecture = z
  .strictObject({
    parametersBillion: z.number().positive().describe("Parameters, 10^9."),
    bytesPerParameter: z.number().min(0.5).max(4).describe("2 for bf16, 1 for fp8, 0.5 for 4 bit."),
    layers: count,
    kvHeads: count,
    headDim: count,
    kvBytesPerElement: z.number().min(0.5).max(4).default(2),
  })
  .describe("What the memory check needs; read it from the model's config.json.");

const model = z.strictObject({
  name: dnsName.describe("Served model name."),
  tenant: dnsName.describe("Tenant whose namespace and quota hold the model."),
  engine,
  source,
  architecture,
  gpu: z.strictObject({
    pool: dnsName.describe("Name of a GPU pool."),
    tensorParallel: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]).default(1),
  }),
  slo: z.strictObject({
    ttftP95Ms: z.int().min(50).describe("95th percentile of the time to the first token, ms."),
    e2eP99Ms: z.int().min(100).describe("99th percentile of the whole request, ms."),
  }),
  autoscaling: z.strictObject({
    minReplicas: countOrZero,
    expectedReplicas: countOrZero,
    maxReplicas: count.describe("Required: KEDA's own default is 100 replicas."),
    queueDepthThreshold: count.describe("Waiting requests per replica that add a replica."),
    outputTokensPerSecond: z
      .number()
      .positive()
      .optional()
      .describe(
        "Measured output tokens/s of one replica at its SLO; scales on offered load before a queue forms.",
      ),
  }),
  delivery: z.strictObject({
    strategy: z.enum(["blue-green", "rolling"]),
    preStopSeconds: countOrZero.default(15).describe("Seconds between leaving the endpoints and SIGTERM."),
    drainSeconds: count.default(90).describe("Seconds running requests get after SIGTERM."),
    gracePeriodSeconds: count.default(120).describe("Seconds until the kubelet kills the pod."),
  }),
});

/** Models served on the platform's own GPUs. */
export const models = z.array(model).describe("Models served on the platform's own GPUs.");

/** External model providers behind the same abstraction. */
export const providers = z
  .array(
    z.strictObject({
      name: dnsName,
      kind: z.enum(["openai", "anthropic", "openai-compatible"]),
      baseUrl: z.url({ protocol: /^https$/, error: "must be an https URL" }),
      region: z.string().min(1).describe("Where requests are processed; residency is judged on it."),
      dataProcessingAgreement: z.string().min(1).describe("Reference of the agreement under GDPR Art. 28."),
      monthlyCapUsd: z.number().positive().describe("Most this provider may cost in a month, USD."),
      credential: secretRef.describe("API key, in a Secret of the namespace llm-gateway."),
      models: z
        .array(
          z.strictObject({
            name: dnsName.describe("Name clients use."),
            model: z.string().min(1).describe("Name the provider knows."),
            inputUsdPerMillion: usd,
            outputUsdPerMillion: usd,
            source: z.string().min(1).describe("Where the price was read."),
            asOf: isoDate,
          }),
        )
        .min(1),
    }),
  )
  .default([])
  .describe("External model providers.");
