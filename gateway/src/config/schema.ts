import { z } from "zod";
import { PRIORITIES } from "../routing/gate.ts";
import { storeSchema } from "../store/open-store.ts";

const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/, "lower-case letters, digits, dots and dashes");
const positive = z.number().int().positive();
const money = z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'a decimal amount in quotes, for example "12.50"');
const currency = z.string().regex(/^[A-Z]{3}$/);

/** Endpoints the gateway serves. */
export const ENDPOINTS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/messages",
] as const;

const endpoint = z.enum(ENDPOINTS);

const secret = z.discriminatedUnion("from", [
  z.strictObject({ from: z.literal("file"), path: z.string().min(1) }),
  z.strictObject({ from: z.literal("env"), name: z.string().min(1) }),
]);

const ownSecret = z.discriminatedUnion("from", [
  ...secret.options,
  z.strictObject({ from: z.literal("generated"), path: z.string().min(1) }),
]);

const address = {
  host: z.string().default("127.0.0.1"),
  port: z.number().int().min(0).max(65535).default(8080),
};

const tls = z.strictObject({
  certificatePath: z.string().min(1),
  keyPath: z.string().min(1),
  /** Authority of client certificates; null asks for none. */
  clientAuthorityPath: z.string().min(1).nullable().default(null),
});

const listen = z.strictObject({
  ...address,
  tls: tls.nullable().default(null),
  /** How long an idle connection is kept; longer than a load balancer in front keeps it, or calls meet a closed one. */
  keepAliveMs: positive.default(65_000),
});

const hashedKey = z.string().regex(/^[0-9a-f]{64}$/, "the SHA-256 of the key in lower-case hex");

const admin = z.strictObject({
  ...address,
  port: address.port.default(8081),
  keys: z
    .array(
      z.strictObject({
        id: name,
        key: hashedKey,
        roles: z.array(z.enum(["review", "erase", "stop", "throttle"])).min(1),
      }),
    )
    .min(1),
  /** What an alert that asks for throttling does: the share of each client's rates that is left, for so long. */
  throttle: z
    .strictObject({ share: z.number().gt(0).lt(1).default(0.5), minutes: positive.default(60) })
    .prefault({}),
});

const tokens = z.strictObject({
  issuer: z.string().min(1),
  audience: z.string().min(1),
  keys: z.discriminatedUnion("from", [
    z.strictObject({ from: z.literal("url"), url: z.url({ protocol: /^https?$/ }) }),
    z.strictObject({ from: z.literal("file"), path: z.string().min(1) }),
  ]),
  subjectClaim: z.string().min(1).default("sub"),
});

const shared = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("local") }),
  z.strictObject({ kind: z.literal("redis"), url: secret, deadlineMs: positive.default(500) }),
]);

const oversight = z.strictObject({ ticketSeconds: positive.default(86_400) });

const limits = z.strictObject({
  bodyBytes: positive.default(1024 * 1024),
  responseBytes: positive.default(8 * 1024 * 1024),
  headersMs: positive.default(10_000),
  bodyMs: positive.default(15_000),
  inFlight: positive.default(256),
  queue: z.number().int().nonnegative().default(64),
  queueMs: positive.default(2_000),
  drainMs: positive.default(30_000),
});

const audit = z.strictObject({
  mode: z.enum(["required", "best-effort"]).default("required"),
  directory: z.string().min(1),
  writer: name.default("gateway"),
  store: storeSchema.nullable().default(null),
  signingKey: ownSecret,
  digestSecret: ownSecret,
  content: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("none") }),
      z.strictObject({
        kind: z.literal("encrypted"),
        objects: storeSchema,
        keys: storeSchema,
        masterKey: ownSecret,
      }),
    ])
    .default({ kind: "none" }),
  segmentBytes: positive.default(16 * 1024 * 1024),
  segmentMs: positive.default(300_000),
  checkpointEvery: positive.default(256),
  checkpointMs: positive.default(5_000),
  heartbeatMs: positive.default(10_000),
  maxBytes: positive.default(4 * 1024 ** 3),
  minFreeBytes: z
    .number()
    .int()
    .nonnegative()
    .default(64 * 1024 * 1024),
});

/** Which servers the name in `baseUrl` stands for. */
const addresses = z.discriminatedUnion("kind", [
  /** One server, or several behind one address that balances by itself. */
  z.strictObject({ kind: z.literal("one") }),
  /** Each address of the name is a replica; calls go to the least busy one. */
  z.strictObject({ kind: z.literal("each"), refreshMs: positive.default(2_000) }),
]);

const upstream = z.strictObject({
  name,
  /** `gen_ai.provider.name` of its spans; null goes by the format: anthropic or openai. */
  provider: name.nullable().default(null),
  baseUrl: z.url({ protocol: /^https?$/ }),
  addresses: addresses.default({ kind: "one" }),
  credential: secret.nullable().default(null),
  credentialHeader: z.enum(["authorization", "x-api-key"]).default("authorization"),
  endpoints: z.array(endpoint).min(1),
  connections: positive.default(64),
  /** How long the head of a stream may take; that of any other answer comes at its end and has the model's `totalMs`. */
  firstByteMs: positive.default(60_000),
  idleMs: positive.default(30_000),
  breaker: z.strictObject({ failures: positive.default(5), openMs: positive.default(10_000) }).prefault({}),
});

const price = z.strictObject({
  currency,
  inputPerMillion: money,
  outputPerMillion: money,
  /** Input the provider finds in its prompt cache; without it such input costs `inputPerMillion`. */
  cachedInputPerMillion: money.optional(),
  source: z.string().min(1),
  asOf: z.iso.date(),
});

const routes = z
  .array(z.strictObject({ upstream: name, model: z.string().min(1), weight: positive.default(1) }))
  .min(1);

const tier = z.strictObject({
  maxInputTokens: positive,
  maxMessages: positive.default(1_000),
  tools: z.enum(["none", "allowed"]).default("none"),
  routes,
});

const promptVariant = z.strictObject({
  version: z.string().regex(/^[\w.:@/+=-]{1,128}$/, "a version or hash"),
  weight: positive.default(1),
  system: z.string().min(1),
  /** Settings the prompt was written and evaluated with; they take the place of the caller's. */
  settings: z
    .strictObject({
      temperature: z.number().min(0).max(2).exactOptional(),
      top_p: z.number().gt(0).max(1).exactOptional(),
    })
    .default({}),
});

const model = z.strictObject({
  name,
  endpoints: z.array(endpoint).min(1),
  routes,
  /** Cheaper routes for simple requests; the first tier that fits is taken. */
  tiers: z.array(tier).default([]),
  /** System prompts under comparison; who is sticky always gets the same one. */
  prompts: z.array(promptVariant).default([]),
  /** Keeps calls waiting while no replica runs, so that a scaler can start one. */
  hold: z
    .strictObject({ seconds: positive, pollMs: positive.default(500) })
    .nullable()
    .default(null),
  /** Passes the client's priority on to engines that schedule by it (vLLM with `--scheduling-policy priority`). */
  engineScheduling: z.enum(["none", "priority"]).default("none"),
  sticky: z.enum(["none", "client", "trace", "subject"]).default("none"),
  fallbacks: z.array(z.strictObject({ upstream: name, model: z.string().min(1) })).default([]),
  attempts: z.number().int().min(1).max(5).default(2),
  totalMs: positive.default(120_000),
  maxOutputTokens: positive.default(1024),
  /** `none`: own hardware, paid by the hour and not by the token; null: unknown, so no budget can cover it. */
  price: z
    .union([z.literal("none"), price])
    .nullable()
    .default(null),
  cache: z
    .strictObject({ seconds: positive, entries: positive.default(1000) })
    .nullable()
    .default(null),
  outputSchema: z.record(z.string(), z.json()).nullable().default(null),
});

const client = z.strictObject({
  id: name,
  tenant: name,
  keys: z.array(hashedKey).default([]),
  /** Token subjects of this client. */
  subjects: z.array(z.string().min(1)).default([]),
  /** Certificate names of this client, for example `URI:spiffe://acme/app`. */
  certificates: z.array(z.string().regex(/^(URI|DNS):\S+$/, "URI:<name> or DNS:<name>")).default([]),
  priority: z.enum(PRIORITIES).default("normal"),
  models: z.array(name).min(1),
  endpoints: z
    .array(endpoint)
    .min(1)
    .default([...ENDPOINTS]),
  tools: z.union([z.enum(["none", "any"]), z.array(z.string().min(1)).min(1)]).default("none"),
  requestsPerMinute: positive.default(600),
  tokensPerMinute: positive.default(1_000_000),
  budget: z
    .strictObject({ currency, amount: money, period: z.enum(["day", "month"]).default("month") })
    .nullable()
    .default(null),
  purpose: z.string().max(200).nullable().default(null),
  trace: z
    .strictObject({
      required: z.enum(["yes", "no"]).default("no"),
      maxSteps: positive,
      maxSeconds: positive,
      maxTokens: positive,
      maxCost: money.nullable().default(null),
      /** Tool calls of one run over all its answers; null for no limit of its own. */
      maxToolCalls: positive.nullable().default(null),
      /** How often one run may get the same tool call with the same arguments; more is a loop. */
      maxRepeats: positive.default(3),
    })
    .nullable()
    .default(null),
});

const action = z.enum(["block", "review", "redact", "replace", "flag"]);
const ruleCommon = {
  action,
  kinds: z.array(z.string().min(1)).min(1).nullable().default(null),
  replacement: z.string().max(200).default(""),
};

const rule = z.discriminatedUnion("detector", [
  z.strictObject({ detector: z.literal("pii"), ...ruleCommon }),
  z.strictObject({ detector: z.literal("secrets"), ...ruleCommon }),
  z.strictObject({ detector: z.literal("injection"), ...ruleCommon }),
  z.strictObject({
    detector: z.literal("topics"),
    name: name.default("topics"),
    phrases: z.array(z.string().min(1).max(80)).min(1),
    ...ruleCommon,
  }),
]);

const remoteCommon = {
  name,
  url: z.url({ protocol: /^https?$/ }),
  credential: secret.nullable().default(null),
  deadlineMs: positive.default(1_000),
  sides: z
    .array(z.enum(["input", "output"]))
    .min(1)
    .default(["input"]),
};

const remoteGuard = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("generic"), ...remoteCommon }),
  z.strictObject({
    kind: z.literal("presidio"),
    ...remoteCommon,
    language: z.string().length(2),
    minScore: z.number().min(0).max(1).default(0.5),
    entities: z.array(z.string().min(1)).default([]),
    version: z.string().min(1).max(64),
  }),
  z.strictObject({ kind: z.literal("llama-guard"), ...remoteCommon, model: z.string().min(1) }),
  z.strictObject({
    kind: z.literal("nemo"),
    ...remoteCommon,
    model: z.string().min(1),
    configId: z.string().min(1).max(64),
  }),
]);

const guards = z.strictObject({
  /** Hash of the guards' sources the configuration was made for; a gateway with other ones refuses it. Null: any. */
  code: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, "sha256:<64 hex digits>")
    .nullable()
    .default(null),
  input: z.array(rule).default([
    { detector: "secrets", action: "block", kinds: null, replacement: "" },
    { detector: "injection", action: "block", kinds: null, replacement: "" },
    { detector: "pii", action: "redact", kinds: null, replacement: "" },
  ]),
  output: z.array(rule).default([
    { detector: "secrets", action: "block", kinds: null, replacement: "" },
    { detector: "pii", action: "redact", kinds: null, replacement: "" },
  ]),
  stream: z
    .strictObject({
      mode: z.enum(["window", "buffer", "refuse"]).default("window"),
      window: positive.default(320),
    })
    .prefault({}),
  remote: z.array(remoteGuard).default([]),
});

const tracing = z.strictObject({
  /** OTLP/HTTP receiver with its path, for example `http://collector:4318/v1/traces`. */
  url: z.url({ protocol: /^https?$/ }),
  /** Share of traces that are recorded; 1 leaves the choice to the receiver, which knows how a call ended. */
  share: z.number().gt(0).max(1).default(1),
  /** Spans that may wait for the receiver; more are dropped. */
  queue: positive.default(8_192),
  deadlineMs: positive.default(5_000),
});

const transparency = z.strictObject({
  /** How people learn that they talk to a machine. */
  disclosure: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("notice"),
        /** Sentence the application shows before the first answer. */
        text: z.string().min(10).max(500),
        language: z.string().regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, "a language tag, for example es"),
      }),
      z.strictObject({ kind: z.literal("obvious"), justification: z.string().min(30).max(500) }),
      z.strictObject({ kind: z.literal("none") }),
    ])
    .default({ kind: "none" }),
  /** Whether answers are marked for machines as generated. */
  marking: z.enum(["headers", "none"]).default("headers"),
});

/** Schema of the gateway configuration file. */
export const gatewayConfigSchema = z.strictObject({
  listen: listen.prefault({}),
  limits: limits.prefault({}),
  /** Where budgets, rates, agent runs and review tickets are counted: here or across replicas. */
  shared: shared.default({ kind: "local" }),
  tokens: tokens.nullable().default(null),
  admin: admin.nullable().default(null),
  oversight: oversight.prefault({}),
  audit,
  upstreams: z.array(upstream).min(1),
  models: z.array(model).min(1),
  clients: z.array(client).min(1),
  guards: guards.prefault({}),
  transparency: transparency.prefault({}),
  /** Null records no spans; the caller's `traceparent` reaches the engine either way. */
  tracing: tracing.nullable().default(null),
});

/** Configuration as written, with defaults left out. */
export type GatewayConfigInput = z.input<typeof gatewayConfigSchema>;
/** Configuration with every default filled in. */
export type GatewayConfig = z.output<typeof gatewayConfigSchema>;
/** One model of the configuration. */
export type ModelConfig = GatewayConfig["models"][number];
/** One client of the configuration. */
export type ClientConfig = GatewayConfig["clients"][number];
/** One upstream of the configuration. */
export type UpstreamConfig = GatewayConfig["upstreams"][number];
/** One guard rule of the configuration. */
export type RuleConfig = GatewayConfig["guards"]["input"][number];
/** One endpoint path. */
export type EndpointPath = (typeof ENDPOINTS)[number];
/** Where a secret of the gateway itself comes from. */
export type OwnSecret = z.output<typeof ownSecret>;
/** Where a secret comes from. */
export type SecretSource = z.output<typeof secret>;
