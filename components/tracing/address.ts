/** Namespace of the collectors and of the stores of traces and logs. */
export const TELEMETRY_NAMESPACE = "telemetry";

/** Namespaces that carry it may send telemetry. */
export const TELEMETRY_SENDER_LABEL = { "llmops.io/telemetry-sender": "true" } as const;

/** Service of the ingest tier. */
export const COLLECTOR_SERVICE = "collector";

/** Port of OTLP over HTTP. */
export const OTLP_HTTP_PORT = 4318;

/** Where spans are sent by OTLP over HTTP. */
export const TRACES_URL = `http://${COLLECTOR_SERVICE}.${TELEMETRY_NAMESPACE}.svc:${OTLP_HTTP_PORT}/v1/traces`;
