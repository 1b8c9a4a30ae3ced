import { z } from "zod";
import { delivery, evaluated } from "./delivery.ts";
import { count, countOrZero, dnsName, isoDate, secretRef, sha256 } from "./primitives.ts";

const usd = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,6})?$/, { error: 'must be a decimal amount in quotes, for example "2.50"' })
  .describe("USD per million tokens.");

const clock = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, { error: 'must be a time in quotes, for example "08:30"' });

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

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

const chunked = {
  ...scheduler,
  maxNumBatchedTokens: count
    .optional()
    .describe(
      "Most tokens in one step: bounds how long a prompt delays other streams. Default: the engine's own.",
    ),
};

const engine = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("vllm"),
      ...chunked,
      adapters: z
        .array(
          z.strictObject({
            name: dnsName.describe("Name clients use."),
            image: z.string().min(1).describe("Image that holds the adapter's files, without digest."),
            digest: sha256,
            rank: z
              .union([
                z.literal(8),
                z.literal(16),
                z.literal(32),
                z.literal(64),
                z.literal(128),
                z.literal(256),
              ])
              .describe("Rank it was trained with."),
            evaluation: evaluated,
          }),
        )
        .min(1)
        .optional()
        .describe("Fine-tuned adapters (LoRA) served beside the base model."),
    }),
    z.strictObject({ kind: z.literal("sglang"), ...chunked }),
    z.strictObject({
      kind: z.literal("triton"),
      backend: z.enum(["tensorrt-llm", "vllm"]),
      tokenizer: z
        .strictObject({ image: z.string().min(1).describe("Image without digest."), digest: sha256 })
        .describe("Image that holds the tokenizer's files; the frontend turns chats into prompts with it."),
      ...scheduler,
    }),
    z
      .strictObject({ kind: z.literal("tgi"), ...scheduler })
      .describe("Legacy: in maintenance mode since 2025-12."),
  ])
  .describe("Inference engine.");

/** Folder of a bucket; without wildcards, because an identity is made that may read exactly this. */
function folderOf(scheme: "s3" | "gs"): z.ZodString {
  return z.string().regex(new RegExp(`^${scheme}://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[\\w.=+@/-]*)?$`), {
    error: `must be ${scheme}://<bucket>/<folder>, the folder of letters, digits and _ . = + @ -`,
  });
}

const source = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("s3"), uri: folderOf("s3"), digest: sha256 }),
    z.strictObject({ kind: z.literal("gs"), uri: folderOf("gs"), digest: sha256 }),
    z.strictObject({ kind: z.literal("oci"), image: z.string().min(1), digest: sha256 }),
    z.strictObject({
      kind: z.literal("hub"),
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, { error: "must be <organisation>/<model>" }),
      revision: z
        .string()
        .regex(/^[0-9a-f]{40}$/, { error: "must be a full commit id (40 hex digits), not a branch" }),
      token: secretRef
        .optional()
        .describe(
          "Access token of a gated repository, in a Secret of the tenant's namespace. Default: the repository is public.",
        ),
    }),
  ])
  .describe("Where the weights come from, pinned to immutable content.");

const cache = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }).describe("Each pod starts from an empty folder."),
    z
      .strictObject({
        kind: z.literal("image"),
        image: z.string().min(1).describe("Image that holds the engine's cache folder, without digest."),
        digest: sha256,
      })
      .describe("Kernels compiled beforehand; the node keeps the image, each pod copies it."),
    z
      .strictObject({
        kind: z.literal("shared"),
        sizeGiB: z.int().min(1).max(65_536).describe("Size of the file system, GiB."),
        storageClass: dnsName
          .optional()
          .describe(
            "Class of an existing cluster whose volumes many nodes can write to; elsewhere the stack makes its own.",
          ),
      })
      .describe("A file system of the model's own for downloads and kernels of all its replicas."),
  ])
  .default({ kind: "none" })
  .describe("What a new replica finds of the downloads and compiled kernels of earlier ones.");

const architecture = z
  .strictObject({
    parametersBillion: z.number().positive().describe("Parameters, 10^9."),
    bytesPerParameter: z.number().min(0.5).max(4).describe("2 for bf16, 1 for fp8, 0.5 for 4 bit."),
    layers: count,
    kvHeads: count,
    headDim: count.describe(
      "For MLA write kvHeads: 1 and half of latent plus rotary dimensions, 288 for DeepSeek-R1.",
    ),
    kvBytesPerElement: z.number().min(0.5).max(4).default(2),
  })
  .describe("What the memory check needs; read it from the model's config.json.");

const prompts = z
  .strictObject({
    sticky: z
      .enum(["client", "trace", "subject"])
      .default("client")
      .describe("Who always gets the same variant: the client, an agent run, or the person asked about."),
    variants: z
      .array(
        z.strictObject({
          prompt: dnsName.describe("Folder below prompts/."),
          version: z
            .string()
            .regex(/^[1-9]\d{0,5}$/, { error: 'must be a version in quotes, for example "2"' })
            .describe("File below it, without `.prompt`."),
          weight: count.default(1).describe("Share of the traffic, relative to the others."),
          variables: z
            .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
            .default({})
            .describe("Values of its variables."),
        }),
      )
      .min(1)
      .describe("One in ordinary operation, several under comparison."),
  })
  .describe("Versioned system prompt the gateway puts before the caller's words.");

const tiers = z
  .array(
    z.strictObject({
      maxInputTokens: count.describe("Longest prompt that is simple, tokens."),
      maxMessages: count.default(1_000).describe("Most messages of a conversation that is simple."),
      tools: z
        .enum(["none", "allowed"])
        .default("none")
        .describe("Whether a request that offers tools can be simple."),
      model: dnsName.describe("Model of the same tenant that answers simple requests."),
    }),
  )
  .default([])
  .describe(
    "Who answers simple requests instead; the first tier that fits is taken. Answers differ: evaluate both models.",
  );

const schedule = z
  .strictObject({
    timezone: z
      .string()
      .refine(isTimeZone, { error: "must be an IANA time zone, for example Europe/Madrid" })
      .describe("IANA name; summer time follows it."),
    windows: z
      .array(
        z.strictObject({
          days: z.array(z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])).min(1),
          from: clock.describe("Wall clock, HH:MM; start it a pod start earlier than people."),
          to: clock.describe("Wall clock, HH:MM, at most 24:00."),
          replicas: count.describe("Least replicas between the two."),
        }),
      )
      .min(1),
  })
  .describe(
    "Floors by the clock; at other times minReplicas holds, so 0 there sleeps until a call comes or a window opens.",
  );

const model = z.strictObject({
  name: dnsName.describe("Served model name."),
  tenant: dnsName.describe("Tenant whose namespace and quota hold the model."),
  engine,
  source,
  cache,
  architecture,
  gpu: z.strictObject({
    pool: dnsName.describe("Name of a GPU pool."),
    tensorParallel: z
      .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)])
      .default(1)
      .describe("GPUs of one node a layer is divided over."),
    nodes: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe("Nodes the layers of one replica are divided over (LeaderWorkerSet)."),
  }),
  prompts: prompts.optional(),
  tiers,
  slo: z.strictObject({
    ttftP95Ms: z.int().min(50).describe("95th percentile of the time to the first token, ms."),
    e2eP99Ms: z.int().min(100).describe("99th percentile of the whole request, ms."),
  }),
  autoscaling: z.strictObject({
    minReplicas: countOrZero,
    expectedReplicas: countOrZero,
    maxReplicas: count.describe("Required: KEDA's own default is 100 replicas."),
    queueDepthThreshold: count.describe("Waiting requests per replica that add a replica."),
    warmReplicas: countOrZero
      .default(0)
      .describe(
        "Places for further replicas held on GPU nodes that have the image; they cost what busy ones cost.",
      ),
    capacity: z
      .strictObject({
        inputTokensPerSecond: z.number().positive().describe("Prompt tokens/s that alone fill a replica."),
        outputTokensPerSecond: z
          .number()
          .positive()
          .describe("Generated tokens/s that alone fill a replica."),
        concurrency: z.number().min(1).describe("Requests in flight of a full replica that keeps its SLO."),
        tokenMs: z.number().positive().describe("Mean time per token of a full replica, ms."),
        idleTokenMs: z
          .number()
          .positive()
          .describe("Mean time per token of a replica with a single request, ms."),
        burstReplicas: countOrZero
          .default(0)
          .describe(
            "Replicas that bursts faster than a replica's start need; `llmops simulate` computes it.",
          ),
        source: z
          .string()
          .min(1)
          .describe("How the figures were found: a calibration file or a measured configuration."),
        asOf: isoDate,
      })
      .optional()
      .describe(
        "What one replica sustains within its SLO; `llmops capacity` and `llmops calibrate` print it.",
      ),
    schedule: schedule.optional(),
  }),
  delivery,
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
      trainingUse: z
        .enum(["excluded", "allowed"])
        .default("allowed")
        .describe("Whether the provider may train on what it is sent; the agreement says so."),
      monthlyCapUsd: z.number().positive().describe("Most this provider may cost in a month, USD."),
      credential: secretRef.describe("API key, in a Secret of the namespace llm-gateway."),
      models: z
        .array(
          z.strictObject({
            name: dnsName.describe("Name clients use."),
            model: z.string().min(1).describe("Name the provider knows."),
            inputUsdPerMillion: usd,
            outputUsdPerMillion: usd,
            cachedInputUsdPerMillion: usd
              .optional()
              .describe(
                "USD per million tokens of input found in the provider's prompt cache. Default: they cost what input costs.",
              ),
            source: z.string().min(1).describe("Where the price was read."),
            asOf: isoDate,
          }),
        )
        .min(1),
    }),
  )
  .default([])
  .describe("External model providers.");
