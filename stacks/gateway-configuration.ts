import type { AuditBucket, AuditDestination } from "../components/audit/destination.ts";
import { TRACES_URL } from "../components/tracing/address.ts";
import { GATEWAY_PATHS, GATEWAY_PORTS } from "../components/gateway/address.ts";
import { KEY_FILES } from "../components/gateway/keys.ts";
import { checkConfig } from "../gateway/src/config/load.ts";
import { guardCode } from "../gateway/src/guards/code.ts";
import type { GatewayConfigInput } from "../gateway/src/config/schema.ts";
import { enginePort, modelUrl } from "../components/serving/engine.ts";
import { gatewayPrompt } from "../prompts/compile.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { keepAliveSeconds, ownCallMs, PROVIDER_CALL_MS } from "./schema/call-time.ts";
import { servedNames } from "./schema/served-names.ts";

type Upstream = GatewayConfigInput["upstreams"][number];
type GatewayModel = GatewayConfigInput["models"][number];
type Client = GatewayConfigInput["clients"][number];
type Guards = NonNullable<GatewayConfigInput["guards"]>;
type Rule = NonNullable<Guards["input"]>[number];
type Endpoint = Upstream["endpoints"][number];
type Provider = PlatformConfig["providers"][number];

/** Seconds running calls get when a replica stops. */
export const GATEWAY_DRAIN_SECONDS = 120;

/** Share of its volume a replica may fill before it takes no more calls. */
const VOLUME_SHARE = 0.8;

const GIB = 2 ** 30;

/** Endpoints of an OpenAI-compatible engine. */
const ENGINE_ENDPOINTS: readonly Endpoint[] = ["/v1/chat/completions", "/v1/completions"];

const PROVIDER_ENDPOINTS: Readonly<Record<Provider["kind"], readonly Endpoint[]>> = {
  openai: ["/v1/chat/completions", "/v1/embeddings", "/v1/responses"],
  "openai-compatible": ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"],
  anthropic: ["/v1/messages"],
};

/** Environment variable with the credential of a provider. */
export function credentialVariable(provider: string): string {
  return `PROVIDER_${provider.toUpperCase().replaceAll("-", "_")}_KEY`;
}

function ownUpstreams({ models }: PlatformConfig): Upstream[] {
  return models.map(({ name, tenant, engine }) => ({
    name,
    provider: engine.kind,
    baseUrl: modelUrl({ model: name, namespace: tenant, port: enginePort(engine) }),
    addresses: { kind: "each" },
    endpoints: [...ENGINE_ENDPOINTS],
    connections: 512,
  }));
}

/** Prompts under comparison; a model that has one takes no call that could not carry it. */
function promptsOf({
  prompts,
}: PlatformConfig["models"][number]): Pick<GatewayModel, "endpoints" | "prompts" | "sticky"> {
  return prompts === undefined
    ? { endpoints: [...ENGINE_ENDPOINTS] }
    : {
        endpoints: ["/v1/chat/completions"],
        prompts: prompts.variants.map((variant) => gatewayPrompt(variant)),
        sticky: prompts.sticky,
      };
}

/** Who answers simple requests; the model itself where that one cannot. */
function tiersOf({
  name,
  tiers,
}: PlatformConfig["models"][number]): Pick<GatewayModel, "tiers" | "fallbacks"> {
  if (tiers.length === 0) return {};
  return {
    tiers: tiers.map(({ model: smaller, ...bounds }) => ({
      ...bounds,
      routes: [{ upstream: smaller, model: smaller }],
    })),
    fallbacks: [{ upstream: name, model: name }],
  };
}

/** Models of the platform itself in the gateway's configuration. */
export function ownModels({ models, gateway }: PlatformConfig): GatewayModel[] {
  return models.flatMap((model) =>
    servedNames(model).map((served) => ({
      name: served,
      ...promptsOf(model),
      routes: [{ upstream: model.name, model: served }],
      // An adapter's answers are not those of another model.
      ...(served === model.name ? tiersOf(model) : {}),
      totalMs: ownCallMs(model, gateway),
      hold: model.autoscaling.minReplicas === 0 ? { seconds: gateway.holdSeconds } : null,
      cache: gateway.cache === "exact" ? { seconds: 600 } : null,
      price: "none" as const,
    })),
  );
}

function providerUpstreams({ providers }: PlatformConfig): Upstream[] {
  return providers.map(({ name, kind, baseUrl }) => ({
    name,
    provider: kind === "openai-compatible" ? name : kind,
    baseUrl,
    endpoints: [...PROVIDER_ENDPOINTS[kind]],
    credential: { from: "env", name: credentialVariable(name) },
    credentialHeader: kind === "anthropic" ? "x-api-key" : "authorization",
  }));
}

function providerModels({ providers, gateway }: PlatformConfig): GatewayModel[] {
  return providers.flatMap((provider) =>
    provider.models.map(({ name, model, cachedInputUsdPerMillion, ...price }) => ({
      name,
      endpoints: [...PROVIDER_ENDPOINTS[provider.kind]],
      routes: [{ upstream: provider.name, model }],
      totalMs: PROVIDER_CALL_MS,
      cache: gateway.cache === "exact" ? { seconds: 600 } : null,
      price: {
        currency: "USD",
        inputPerMillion: price.inputUsdPerMillion,
        outputPerMillion: price.outputUsdPerMillion,
        ...(cachedInputUsdPerMillion === undefined
          ? {}
          : { cachedInputPerMillion: cachedInputUsdPerMillion }),
        source: price.source,
        asOf: price.asOf,
      },
    })),
  );
}

/** The cap of a provider, shared evenly by the clients that use it: no client can spend what another one needs. */
function budgetOf(config: PlatformConfig, models: readonly string[]): Client["budget"] {
  const uses = (provider: Provider, names: readonly string[]): boolean =>
    provider.models.some(({ name }) => names.includes(name));
  const shares = config.providers
    .filter((provider) => uses(provider, models))
    .map((provider) => {
      const users = config.gateway.clients.filter((client) => uses(provider, client.models)).length;
      return provider.monthlyCapUsd / users;
    });
  if (shares.length === 0) return null;
  const amount = Math.floor(shares.reduce((sum, share) => sum + share, 0) * 100) / 100;
  return { currency: "USD", amount: amount.toFixed(2), period: "month" };
}

type Run = NonNullable<PlatformConfig["gateway"]["clients"][number]["trace"]>;

function runLimits({ maxUsd, ...limits }: Run): NonNullable<Client["trace"]> {
  return maxUsd === undefined ? limits : { ...limits, maxCost: maxUsd.toFixed(2) };
}

function clients(config: PlatformConfig): Client[] {
  const own = new Set(config.models.flatMap(servedNames));
  return config.gateway.clients.flatMap(({ models, trace, purpose, ...client }) => {
    const shared = {
      ...client,
      models,
      ...(purpose === undefined ? {} : { purpose }),
      ...(trace === undefined ? {} : { trace: runLimits(trace) }),
    };
    const isOwnOnly = models.every((model) => own.has(model));
    return [{ ...shared, budget: isOwnOnly ? null : budgetOf(config, models) }];
  });
}

/** Rules of the gateway's guards. */
export function guards({ guardrails, oversight }: PlatformConfig): Guards {
  const rule = (
    detector: "pii" | "secrets" | "injection",
    wanted: "pii" | "secrets" | "promptInjection",
  ): Rule[] => {
    const action = guardrails[wanted];
    switch (action) {
      case "block":
      case "redact":
        return [{ detector, action }];
      case "flag":
        return [{ detector, action: oversight.review === "flagged" ? "review" : "flag" }];
      case "off":
        return [];
    }
  };
  const both = [...rule("secrets", "secrets"), ...rule("pii", "pii")];
  return {
    code: guardCode(),
    input: [...both, ...rule("injection", "promptInjection")],
    output: both,
    stream: { mode: guardrails.streaming },
  };
}

type Store = NonNullable<GatewayConfigInput["audit"]["store"]>;

/** One kind of object in a bucket, or in a folder of its own on the replica's volume. */
function storeOf(bucket: AuditBucket, what: "segments" | "content" | "keys"): Store {
  switch (bucket.kind) {
    case "s3":
    case "gcs":
      return { ...bucket, prefix: `${what}/` };
    case "local":
      return { kind: "directory", path: `${GATEWAY_PATHS.audit}-${what}` };
  }
}

/**
 * Configuration file of the gateway, checked by the gateway's own rules.
 * @throws ConfigError when the gateway would refuse it
 */
export function gatewayConfiguration(
  config: PlatformConfig,
  { bucket, subjectKeys }: Pick<AuditDestination, "bucket" | "subjectKeys">,
): GatewayConfigInput {
  const { gateway, audit } = config;
  const key = (file: string): { from: "file"; path: string } => ({
    from: "file",
    path: `${GATEWAY_PATHS.keys}/${file}`,
  });
  const configuration: GatewayConfigInput = {
    listen: {
      host: "0.0.0.0",
      port: GATEWAY_PORTS.api,
      ...(gateway.entry.kind === "none" ? {} : { keepAliveMs: keepAliveSeconds(config) * 1000 }),
    },
    limits: { inFlight: 2_000, queue: 500, drainMs: GATEWAY_DRAIN_SECONDS * 1000 },
    shared: gateway.replicas > 1 ? { kind: "redis", url: key(KEY_FILES.redisUrl) } : { kind: "local" },
    audit: {
      mode: audit.mode,
      directory: GATEWAY_PATHS.audit,
      store: storeOf(bucket, "segments"),
      content:
        subjectKeys === undefined
          ? { kind: "none" }
          : {
              kind: "encrypted",
              objects: storeOf(bucket, "content"),
              keys: storeOf(subjectKeys, "keys"),
              masterKey: key(KEY_FILES.master),
            },
      signingKey: key(KEY_FILES.signing),
      digestSecret: key(KEY_FILES.digest),
      maxBytes: Math.floor(gateway.auditVolumeGiB * GIB * VOLUME_SHARE),
      minFreeBytes: Math.floor(gateway.auditVolumeGiB * GIB * (1 - VOLUME_SHARE) * 0.5),
    },
    upstreams: [...ownUpstreams(config), ...providerUpstreams(config)],
    models: [...ownModels(config), ...providerModels(config)],
    clients: clients(config),
    guards: guards(config),
    transparency: config.transparency,
    tracing: config.observability.telemetry.kind === "off" ? null : { url: TRACES_URL },
    ...(gateway.tokens === undefined
      ? {}
      : {
          tokens: {
            issuer: gateway.tokens.issuer,
            audience: gateway.tokens.audience,
            keys: { from: "url", url: gateway.tokens.keysUrl },
          },
        }),
    ...(gateway.admins.length === 0
      ? {}
      : { admin: { host: "0.0.0.0", port: GATEWAY_PORTS.admin, keys: gateway.admins } }),
  };
  checkConfig(configuration);
  return configuration;
}
