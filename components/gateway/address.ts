/** Namespace of the gateway; engines let only its namespace in. */
export const GATEWAY_NAMESPACE = "llm-gateway";

/** Service account of the gateway; cloud identities are bound to it. */
export const GATEWAY_ACCOUNT = "gateway";

/** Label of the namespace that engines recognise the gateway by. */
export const GATEWAY_NAMESPACE_LABEL = { "llmops.io/component": "gateway" } as const;

/** Paths inside the container. */
export const GATEWAY_PATHS = {
  configuration: "/etc/llmops-gateway/gateway.yaml",
  keys: "/var/run/llmops-gateway/keys",
  audit: "/var/lib/llmops-gateway/audit",
} as const;

/** Ports of the gateway. */
export const GATEWAY_PORTS = { api: 8080, admin: 8081 } as const;

/** The Service callers use. */
export const GATEWAY_SERVICE = { name: "gateway", port: 80 } as const;

/** Labels of the gateway's pods. */
export const GATEWAY_SELECTOR = { "app.kubernetes.io/name": "llmops-gateway" } as const;

/** Name of the Service of Redis. */
export const REDIS_NAME = "gateway-redis";

/** Port of Redis. */
export const REDIS_PORT = 6379;

/** Namespaces that carry it may call the gateway. */
export const GATEWAY_CLIENT_LABEL = { "llmops.io/gateway-client": "true" } as const;

/** Namespaces that carry it may call the administration interface. */
export const GATEWAY_ADMIN_LABEL = { "llmops.io/gateway-admin": "true" } as const;
