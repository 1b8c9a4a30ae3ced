/** Namespace of Prometheus; engines let it in. */
export const MONITORING_NAMESPACE = "monitoring";

/** Service account of Prometheus: what a cloud gives metrics an identity by. */
export const PROMETHEUS_ACCOUNT = "prometheus";

/** Service accounts of Thanos: one reads the bucket, the other merges and expires what is in it. */
export const THANOS_ACCOUNTS = { store: "thanos-store", compactor: "thanos-compactor" } as const;

/** Namespace of Thanos, which is closed and restricted; that of Prometheus cannot be, because its node exporter reads the host. */
export const THANOS_NAMESPACE = "thanos";

/** Ports of every part of Thanos. */
export const THANOS_PORTS = { grpc: 10_901, http: 10_902 } as const;
