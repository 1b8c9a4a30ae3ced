import type * as pulumi from "@pulumi/pulumi";
import { HelmAddon } from "../addon/helm-addon.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { TELEMETRY_NAMESPACE } from "./address.ts";
import { restrictedContainer } from "../restricted.ts";

/** Where a store keeps what it takes. */
export type TelemetryStorage =
  /** On its volume: one zone, a fixed size. */
  | { readonly kind: "volume" }
  /** In a bucket; the volume holds only what is not written there yet. */
  | { readonly kind: "bucket"; readonly store: ObjectStore };

/** A store of telemetry. */
export interface TelemetryStoreArgs {
  /** Days until records are deleted. */
  readonly retentionDays: number;
  /** Size of the volume, GiB. */
  readonly volumeGiB: number;
  readonly storage: TelemetryStorage;
}

/** OTLP/HTTP base address of the trace store: service of the release `tempo`. */
export const TRACE_STORE_URL = `http://tempo.${TELEMETRY_NAMESPACE}.svc:4318`;

function ready(storage: TelemetryStorage): readonly pulumi.Resource[] {
  return storage.kind === "volume" ? [] : storage.store.ready;
}

/**
 * Backend of Tempo; on AWS and Google Cloud its SDK finds the identity of the pod.
 * @see https://grafana.com/docs/tempo/latest/configuration/#storage
 */
export function tempoStorage(storage: TelemetryStorage): { readonly trace?: object } {
  if (storage.kind === "volume") return {};
  const { location } = storage.store;
  switch (location.kind) {
    case "s3": {
      const { bucket, region } = location;
      return { trace: { backend: "s3", s3: { bucket, region, endpoint: `s3.${region}.amazonaws.com` } } };
    }
    case "gcs":
      return { trace: { backend: "gcs", gcs: { bucket_name: location.bucket } } };
  }
}

/** Grafana Tempo as one process: traces for days, not an archive. */
export class TraceStore extends LlmopsComponent {
  constructor(
    name: string,
    { retentionDays, volumeGiB, storage }: TelemetryStoreArgs,
    opts: ComponentOptions,
  ) {
    super("tracing", "TraceStore", name, opts);
    new HelmAddon(
      this.childName("chart"),
      {
        chart: "tempo",
        namespace: TELEMETRY_NAMESPACE,
        values: {
          tempo: {
            retention: `${retentionDays * 24}h`,
            reportingEnabled: false,
            receivers: {
              otlp: { protocols: { grpc: { endpoint: "0.0.0.0:4317" }, http: { endpoint: "0.0.0.0:4318" } } },
            },
            ...(storage.kind === "volume" ? {} : { storage: tempoStorage(storage) }),
            securityContext: restrictedContainer(),
            resources: { requests: { cpu: "200m", memory: "1Gi" }, limits: { memory: "2Gi" } },
          },
          persistence: { enabled: true, size: `${volumeGiB}Gi` },
        },
      },
      { parent: this, dependsOn: [...ready(storage)] },
    );
    this.registerOutputs({ url: TRACE_STORE_URL });
  }
}

/** OTLP/HTTP base address of the log store: service of the release `loki`. */
export const LOG_STORE_URL = `http://loki.${TELEMETRY_NAMESPACE}.svc:3100/otlp`;

/**
 * Storage of Loki as its chart takes it, and how its schema names it.
 * @see https://grafana.com/docs/loki/latest/setup/install/helm/configure-storage/
 */
export function lokiStorage(storage: TelemetryStorage): {
  readonly objectStore: string;
  readonly values: object;
} {
  if (storage.kind === "volume") return { objectStore: "filesystem", values: { type: "filesystem" } };
  const { location } = storage.store;
  const { kind, bucket } = location;
  // The chart wants a name for the bucket of rules; nothing runs rules there.
  const bucketNames = { chunks: bucket, ruler: bucket, admin: bucket };
  return {
    objectStore: kind,
    values: {
      type: kind,
      bucketNames,
      ...(location.kind === "s3" ? { s3: { region: location.region } } : {}),
    },
  };
}

/** Grafana Loki as one process; it takes logs by OTLP from the senders of telemetry. */
export class LogStore extends LlmopsComponent {
  constructor(
    name: string,
    { retentionDays, volumeGiB, storage }: TelemetryStoreArgs,
    opts: ComponentOptions,
  ) {
    super("tracing", "LogStore", name, opts);
    const { objectStore, values } = lokiStorage(storage);
    new HelmAddon(
      this.childName("chart"),
      {
        chart: "loki",
        namespace: TELEMETRY_NAMESPACE,
        values: {
          loki: {
            // One tenant; the NetworkPolicy of the namespace is what keeps others out.
            auth_enabled: false,
            commonConfig: { replication_factor: 1 },
            storage: values,
            schemaConfig: {
              configs: [
                {
                  from: "2024-04-01",
                  store: "tsdb",
                  object_store: objectStore,
                  schema: "v13",
                  index: { prefix: "index_", period: "24h" },
                },
              ],
            },
            limits_config: { retention_period: `${retentionDays * 24}h`, allow_structured_metadata: true },
            compactor: { retention_enabled: true, delete_request_store: objectStore },
            analytics: { reporting_enabled: false },
          },
          singleBinary: {
            replicas: 1,
            persistence: { enabled: true, size: `${volumeGiB}Gi` },
            nodeSelector: { "llmops.io/node-role": "system" },
            resources: { requests: { cpu: "200m", memory: "512Mi" }, limits: { memory: "1Gi" } },
          },
        },
      },
      { parent: this, dependsOn: [...ready(storage)] },
    );
    this.registerOutputs({ url: LOG_STORE_URL });
  }
}
