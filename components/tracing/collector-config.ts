import { OTLP_GRPC_PORT, OTLP_HTTP_PORT } from "./address.ts";
import { platformTarget, type TracePlatform } from "./platforms.ts";

/** A configuration of the OpenTelemetry Collector. */
export interface CollectorConfig {
  readonly receivers: Readonly<Record<string, unknown>>;
  readonly processors: Readonly<Record<string, unknown>>;
  readonly exporters: Readonly<Record<string, unknown>>;
  readonly service: {
    readonly telemetry: unknown;
    readonly pipelines: Readonly<Record<string, Pipeline>>;
  };
}

interface Pipeline {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** What the ingest tier does to spans before anything else sees them. */
export interface IngestArgs {
  /** Old attribute names and what they are called in the pinned convention. */
  readonly renames: readonly (readonly [old: string, name: string])[];
  /** Beginnings of the names of attributes that hold what people wrote or got; no store and no platform gets one. */
  readonly contentAttributes: readonly string[];
  /** Address of each instance of the sampling tier, or the name that resolves to all of them. */
  readonly sampling:
    | { readonly kind: "dns"; readonly hostname: string; readonly port: number }
    | { readonly kind: "static"; readonly hostnames: readonly string[] };
  /** OTLP/HTTP base address of the log store; absent takes no logs. */
  readonly logs?: string;
}

/** What the sampling tier keeps, and where it sends that. */
export interface SamplingArgs {
  /** Share of ordinary traces that are kept, 0 to 1; failed, slow, blocked and expensive ones are always kept. */
  readonly share: number;
  /** Longest a trace is waited for, seconds; agent runs take long. @default 120 */
  readonly decisionSeconds?: number;
  /** Traces slower than this are kept, ms. */
  readonly slowMs: number;
  /** OTLP/HTTP base address of the trace store. */
  readonly store: string;
  readonly platforms: readonly TracePlatform[];
}

/** Ports of both tiers. */
export const COLLECTOR_PORTS = { grpc: OTLP_GRPC_PORT, http: OTLP_HTTP_PORT, metrics: 8888 } as const;

/** Answers above so many tokens are expensive enough to keep their trace. */
const EXPENSIVE_TOKENS = 4_000;

/** Traces in memory of one instance while it waits for their ends. */
const TRACES_IN_MEMORY = 50_000;

/** E-mail, card, IBAN, DNI and NIE, tokens of the JSON Web Token form. Names and addresses need a recogniser at the gateway. */
const PERSONAL_VALUES = [
  "[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}",
  "\\b(?:\\d[ -]?){13,19}\\b",
  "\\b[A-Z]{2}\\d{2}[A-Z0-9]{11,30}\\b",
  "\\b[XYZ]?\\d{7,8}[A-Z]\\b",
  "eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+",
];

/** Keys whose values are credentials; not `.*token.*`, which would take the token counts too. */
const CREDENTIAL_KEYS = [".*api[_.-]?key.*", ".*authorization.*", ".*password.*", ".*secret.*", ".*cookie.*"];

const MEMORY = { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 20 };

const TELEMETRY = {
  logs: { level: "warn" },
  metrics: {
    level: "basic",
    readers: [{ pull: { exporter: { prometheus: { host: "0.0.0.0", port: COLLECTOR_PORTS.metrics } } } }],
  },
};

function renameStatements(renames: IngestArgs["renames"]): string[] {
  return renames.flatMap(([old, name]) => [
    `set(span.attributes["${name}"], span.attributes["${old}"]) where span.attributes["${name}"] == nil and span.attributes["${old}"] != nil`,
    `delete_key(span.attributes, "${old}")`,
  ]);
}

function contentStatement(context: "span" | "spanevent", names: readonly string[]): string {
  const pattern = `^(${names.map((name) => name.replaceAll(".", "\\\\.")).join("|")})`;
  return `delete_matching_keys(${context}.attributes, "${pattern}")`;
}

/** First tier: one vocabulary, content and personal data out, and every span of a trace to the same instance of the second. */
export function ingestConfig({ renames, contentAttributes, sampling, logs }: IngestArgs): CollectorConfig {
  return {
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: `0.0.0.0:${COLLECTOR_PORTS.grpc}` },
          http: { endpoint: `0.0.0.0:${COLLECTOR_PORTS.http}` },
        },
      },
    },
    processors: {
      memory_limiter: MEMORY,
      "transform/genai": {
        // A span that cannot be translated must not pass untranslated in silence: the batch is refused and counted.
        error_mode: "propagate",
        // One group per context: in a mixed list all statements would run on span events only.
        trace_statements: [
          {
            context: "span",
            statements: [...renameStatements(renames), contentStatement("span", contentAttributes)],
          },
          { context: "spanevent", statements: [contentStatement("spanevent", contentAttributes)] },
        ],
      },
      "redaction/personal": {
        allow_all_keys: true,
        blocked_key_patterns: CREDENTIAL_KEYS,
        blocked_values: PERSONAL_VALUES,
        summary: "info",
      },
    },
    exporters: {
      load_balancing: {
        routing_key: "traceID",
        // Inside the namespace, which only its own pods may enter.
        protocol: { otlp: { tls: { insecure: true } } },
        resolver:
          sampling.kind === "dns"
            ? { dns: { hostname: sampling.hostname, port: String(sampling.port) } }
            : { static: { hostnames: sampling.hostnames } },
      },
      ...(logs === undefined ? {} : { "otlp_http/logs": { endpoint: logs } }),
    },
    service: {
      telemetry: TELEMETRY,
      pipelines: {
        traces: {
          receivers: ["otlp"],
          processors: ["memory_limiter", "transform/genai", "redaction/personal"],
          exporters: ["load_balancing"],
        },
        ...(logs === undefined
          ? {}
          : {
              logs: {
                receivers: ["otlp"],
                processors: ["memory_limiter", "redaction/personal"],
                exporters: ["otlp_http/logs"],
              },
            }),
      },
    },
  };
}

/** What always stays, then a share of the rest. */
function samplingPolicies({ share, slowMs }: Pick<SamplingArgs, "share" | "slowMs">): object[] {
  return [
    { name: "failed", type: "status_code", status_code: { status_codes: ["ERROR"] } },
    { name: "slow", type: "latency", latency: { threshold_ms: slowMs } },
    {
      name: "stopped",
      type: "string_attribute",
      string_attribute: { key: "llmops.result", values: ["blocked", "review", "limited", "failed"] },
    },
    {
      name: "expensive",
      type: "numeric_attribute",
      numeric_attribute: { key: "gen_ai.usage.output_tokens", min_value: EXPENSIVE_TOKENS, max_value: 1e9 },
    },
    { name: "share", type: "probabilistic", probabilistic: { sampling_percentage: share * 100 } },
  ];
}

/** Second tier: waits for the end of a trace, decides, and sends it to the store and to the configured platforms. */
export function samplingConfig(args: SamplingArgs): CollectorConfig {
  const { decisionSeconds = 120, store, platforms } = args;
  const outside = platforms.map((platform) => ({
    name: `otlp_http/${platform.kind}`,
    ...platformTarget(platform),
  }));
  return {
    receivers: { otlp: { protocols: { grpc: { endpoint: `0.0.0.0:${COLLECTOR_PORTS.grpc}` } } } },
    processors: {
      memory_limiter: MEMORY,
      tail_sampling: {
        decision_wait: `${decisionSeconds}s`,
        num_traces: TRACES_IN_MEMORY,
        decision_cache: {
          sampled_cache_size: 4 * TRACES_IN_MEMORY,
          non_sampled_cache_size: 4 * TRACES_IN_MEMORY,
        },
        policies: samplingPolicies(args),
      },
    },
    exporters: {
      "otlp_http/store": { endpoint: store },
      ...Object.fromEntries(outside.map(({ name, endpoint, headers }) => [name, { endpoint, headers }])),
    },
    service: {
      telemetry: TELEMETRY,
      pipelines: {
        traces: {
          receivers: ["otlp"],
          processors: ["memory_limiter", "tail_sampling"],
          exporters: ["otlp_http/store", ...outside.map(({ name }) => name)],
        },
      },
    },
  };
}
