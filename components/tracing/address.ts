/** Namespace of the collectors and of the stores of traces and logs. */
export const TELEMETRY_NAMESPACE = "telemetry";

/** Namespaces that carry it may send telemetry. */
export const TELEMETRY_SENDER_LABEL = { "llmops.io/telemetry-sender": "true" } as const;

/** Service of the ingest tier. */
export const COLLECTOR_SERVICE = "collector";

/** Port of OTLP over HTTP. */
export const OTLP_HTTP_PORT = 4318;

/** Port of OTLP over gRPC. */
export const OTLP_GRPC_PORT = 4317;

/** Where engines send spans by OTLP over gRPC. */
export const TRACES_GRPC = `${COLLECTOR_SERVICE}.${TELEMETRY_NAMESPACE}.svc:${OTLP_GRPC_PORT}`;

/** Where spans are sent by OTLP over HTTP. */
export const TRACES_URL = `http://${COLLECTOR_SERVICE}.${TELEMETRY_NAMESPACE}.svc:${OTLP_HTTP_PORT}/v1/traces`;

/** Service accounts of the stores, as their charts name them after their releases. */
export const STORE_ACCOUNTS = { traces: "tempo", logs: "loki" } as const;

/** Way of pods to the collectors that take spans. */
export function toCollectors(port: number): {
  to: { namespaceSelector: object; podSelector: object }[];
  ports: { protocol: "TCP"; port: number }[];
} {
  return {
    to: [
      {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": TELEMETRY_NAMESPACE } },
        podSelector: { matchLabels: { "app.kubernetes.io/name": COLLECTOR_SERVICE } },
      },
    ],
    ports: [{ protocol: "TCP", port }],
  };
}
