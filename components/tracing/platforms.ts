/** Reference to a key of a Secret in the namespace of the collectors that somebody else fills. */
export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** A platform that takes traces by OTLP over HTTP. */
export type TracePlatform =
  | {
      readonly kind: "mlflow";
      /** Base address, for example `https://mlflow.example`. */
      readonly url: string;
      readonly experimentId: string;
      /** `Basic <base64>` of MLflow's basic-auth app; absent without one. */
      readonly authorization?: SecretKey | undefined;
    }
  | {
      readonly kind: "langsmith";
      readonly region: "eu" | "us" | "apac";
      readonly project: string;
      readonly apiKey: SecretKey;
    }
  | {
      readonly kind: "braintrust";
      readonly region: "eu" | "us";
      readonly projectId: string;
      /** `Bearer <key>`. */
      readonly authorization: SecretKey;
    }
  | {
      readonly kind: "langfuse";
      /** Base address; the hosted one of the European Union is `https://cloud.langfuse.com`. */
      readonly url: string;
      /** `Basic <base64 of publicKey:secretKey>`. */
      readonly authorization: SecretKey;
    };

/** What the collector needs to reach a platform; secrets are names of environment variables only. */
export interface PlatformTarget {
  /** Base address; the collector adds `/v1/traces`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Environment variables of the collector and where their values come from. */
  readonly variables: Readonly<Record<string, SecretKey>>;
  /** Where traces go when they leave the cluster this way. */
  readonly residency: string;
}

/** Hosts of LangSmith by region. @see https://docs.langchain.com/langsmith/trace-with-opentelemetry */
const LANGSMITH = {
  us: "https://api.smith.langchain.com/otel",
  eu: "https://eu.api.smith.langchain.com/otel",
  apac: "https://apac.api.smith.langchain.com/otel",
} as const;

/** Hosts of Braintrust by region. @see https://www.braintrust.dev/docs/integrations/sdk-integrations/opentelemetry */
const BRAINTRUST = {
  us: "https://api.braintrust.dev/otel",
  eu: "https://api-eu.braintrust.dev/otel",
} as const;

function variableOf(kind: TracePlatform["kind"]): string {
  return `TRACES_${kind.toUpperCase()}_CREDENTIAL`;
}

function base(url: string): string {
  return url.replace(/\/+$/, "");
}

/**
 * Endpoint, headers and secrets of a platform.
 * @see https://mlflow.org/docs/latest/genai/tracing/opentelemetry/ingest/
 * @see https://langfuse.com/integrations/native/opentelemetry
 */
export function platformTarget(platform: TracePlatform): PlatformTarget {
  const variable = variableOf(platform.kind);
  const secret = `\${env:${variable}}`;
  switch (platform.kind) {
    case "mlflow":
      return {
        endpoint: base(platform.url),
        headers: {
          "x-mlflow-experiment-id": platform.experimentId,
          ...(platform.authorization === undefined ? {} : { authorization: secret }),
        },
        variables: platform.authorization === undefined ? {} : { [variable]: platform.authorization },
        residency: `where ${new URL(platform.url).host} runs; whoever operates it decides`,
      };
    case "langsmith":
      return {
        endpoint: LANGSMITH[platform.region],
        headers: { "x-api-key": secret, "langsmith-project": platform.project },
        variables: { [variable]: platform.apiKey },
        residency: `LangChain's cloud, region ${platform.region}`,
      };
    case "braintrust":
      return {
        endpoint: BRAINTRUST[platform.region],
        headers: { authorization: secret, "x-bt-parent": `project_id:${platform.projectId}` },
        variables: { [variable]: platform.authorization },
        residency: `Braintrust's cloud, region ${platform.region}`,
      };
    case "langfuse":
      return {
        endpoint: `${base(platform.url)}/api/public/otel`,
        headers: { authorization: secret, "x-langfuse-ingestion-version": "4" },
        variables: { [variable]: platform.authorization },
        residency: `where ${new URL(platform.url).host} runs; cloud.langfuse.com is in the European Union`,
      };
  }
}
