import { HelmAddon } from "../addon/helm-addon.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { TELEMETRY_NAMESPACE } from "./address.ts";
import { restrictedContainer } from "../restricted.ts";

/** A store of telemetry on a volume. */
export interface TelemetryStoreArgs {
  /** Days until records are deleted. */
  readonly retentionDays: number;
  /** Size of the volume, GiB. */
  readonly volumeGiB: number;
}

/** OTLP/HTTP base address of the trace store: service of the release `tempo`. */
export const TRACE_STORE_URL = `http://tempo.${TELEMETRY_NAMESPACE}.svc:4318`;

/** Grafana Tempo as one process with a volume: traces for days, not an archive. */
export class TraceStore extends LlmopsComponent {
  constructor(name: string, { retentionDays, volumeGiB }: TelemetryStoreArgs, opts: ComponentOptions) {
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
            securityContext: restrictedContainer(),
            resources: { requests: { cpu: "200m", memory: "1Gi" }, limits: { memory: "2Gi" } },
          },
          persistence: { enabled: true, size: `${volumeGiB}Gi` },
        },
      },
      { parent: this },
    );
    this.registerOutputs({ url: TRACE_STORE_URL });
  }
}

/** OTLP/HTTP base address of the log store: service of the release `loki`. */
export const LOG_STORE_URL = `http://loki.${TELEMETRY_NAMESPACE}.svc:3100/otlp`;

/** Grafana Loki as one process with a volume; it takes logs by OTLP from the senders of telemetry. */
export class LogStore extends LlmopsComponent {
  constructor(name: string, { retentionDays, volumeGiB }: TelemetryStoreArgs, opts: ComponentOptions) {
    super("tracing", "LogStore", name, opts);
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
            storage: { type: "filesystem" },
            schemaConfig: {
              configs: [
                {
                  from: "2024-04-01",
                  store: "tsdb",
                  object_store: "filesystem",
                  schema: "v13",
                  index: { prefix: "index_", period: "24h" },
                },
              ],
            },
            limits_config: { retention_period: `${retentionDays * 24}h`, allow_structured_metadata: true },
            compactor: { retention_enabled: true, delete_request_store: "filesystem" },
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
      { parent: this },
    );
    this.registerOutputs({ url: LOG_STORE_URL });
  }
}
