import * as k8s from "@pulumi/kubernetes";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { configurationHash } from "../configuration-hash.ts";
import { COLLECTOR_SERVICE, TELEMETRY_NAMESPACE } from "./address.ts";
import {
  COLLECTOR_PORTS,
  ingestConfig,
  samplingConfig,
  type CollectorConfig,
  type IngestArgs,
  type SamplingArgs,
} from "./collector-config.ts";
import { platformTarget } from "./platforms.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";

/** Collectors of one cluster. */
export interface CollectorsArgs extends Omit<IngestArgs, "sampling">, SamplingArgs {
  /** OpenTelemetry Collector (contrib) 0.158 or later, pinned by digest. */
  readonly image: string;
  /** Pods of each tier. */
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Headless service of the sampling tier: its name resolves to every instance. */
const SAMPLING = "collector-sampling";

const USER = 10_001;

/** A tier of collectors. */
interface Tier {
  readonly name: string;
  readonly config: CollectorConfig;
  readonly env: k8s.types.input.core.v1.EnvVar[];
  readonly memory: string;
  readonly service: k8s.types.input.core.v1.ServiceSpec;
}

/** Labels of the pods of a tier. */
export function collectorSelector(tier: "ingest" | "sampling"): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": tier === "ingest" ? COLLECTOR_SERVICE : SAMPLING };
}

/**
 * OpenTelemetry Collectors in two tiers. The first translates names, takes out content and personal data, and sends all
 * spans of a trace to the same instance of the second, which decides when the trace has ended.
 */
export class Collectors extends LlmopsComponent {
  constructor(name: string, args: CollectorsArgs, opts: ComponentOptions) {
    super("tracing", "Collectors", name, opts);
    this.#tier(args, ingestTier(args));
    this.#tier(args, samplingTier(args));
    this.registerOutputs({});
  }

  #tier({ image, replicas, labels }: CollectorsArgs, tier: Tier): void {
    const selector = { "app.kubernetes.io/name": tier.name };
    const metadata = { name: tier.name, namespace: TELEMETRY_NAMESPACE, labels: { ...labels, ...selector } };
    const text = JSON.stringify(tier.config, null, 2);
    const configuration = new k8s.core.v1.ConfigMap(
      this.childName(`${tier.name}-configuration`),
      { metadata, data: { "config.json": text } },
      { parent: this },
    );
    new k8s.core.v1.Service(
      this.childName(`${tier.name}-service`),
      { metadata, spec: { selector, ...tier.service } },
      { parent: this },
    );
    new k8s.policy.v1.PodDisruptionBudget(
      this.childName(`${tier.name}-disruption`),
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
      { parent: this },
    );
    new k8s.apps.v1.Deployment(
      this.childName(`${tier.name}-deployment`),
      {
        metadata,
        spec: {
          replicas,
          selector: { matchLabels: selector },
          template: {
            metadata: {
              labels: { ...labels, ...selector },
              // Collectors read their configuration once.
              annotations: { ...configurationHash(text) },
            },
            spec: podSpec(image, tier, configuration.metadata.name),
          },
        },
      },
      { parent: this },
    );
    new k8s.apiextensions.CustomResource(
      this.childName(`${tier.name}-metrics`),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata,
        spec: {
          selector: { matchLabels: selector },
          podMetricsEndpoints: [{ port: "metrics", path: "/metrics", interval: "30s" }],
        },
      },
      { parent: this },
    );
  }
}

function ingestTier({ renames, contentAttributes, logs }: CollectorsArgs): Tier {
  const hostname = `${SAMPLING}.${TELEMETRY_NAMESPACE}.svc.cluster.local`;
  return {
    name: COLLECTOR_SERVICE,
    config: ingestConfig({
      renames,
      contentAttributes,
      sampling: { kind: "dns", hostname, port: COLLECTOR_PORTS.grpc },
      ...(logs === undefined ? {} : { logs }),
    }),
    env: [],
    memory: "512Mi",
    service: {
      ports: [
        { name: "otlp-grpc", port: COLLECTOR_PORTS.grpc, targetPort: "otlp-grpc" },
        { name: "otlp-http", port: COLLECTOR_PORTS.http, targetPort: "otlp-http" },
      ],
    },
  };
}

function samplingTier(args: CollectorsArgs): Tier {
  const variables = args.platforms.flatMap((platform) => Object.entries(platformTarget(platform).variables));
  return {
    name: SAMPLING,
    config: samplingConfig(args),
    env: variables.map(([name, secretKeyRef]) => ({ name, valueFrom: { secretKeyRef } })),
    memory: "2Gi",
    service: {
      clusterIP: "None",
      ports: [{ name: "otlp-grpc", port: COLLECTOR_PORTS.grpc, targetPort: "otlp-grpc" }],
    },
  };
}

function podSpec(
  image: string,
  { name, env, memory }: Tier,
  configuration: k8s.types.input.core.v1.ConfigMapVolumeSource["name"],
): k8s.types.input.core.v1.PodSpec {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: SYSTEM_NODE_LABEL,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { "app.kubernetes.io/name": name } },
      },
    ],
    securityContext: restrictedPod(USER),
    containers: [
      {
        name: "collector",
        image,
        args: ["--config=/etc/otelcol/config.json"],
        env,
        ports: [
          { name: "otlp-grpc", containerPort: COLLECTOR_PORTS.grpc },
          { name: "otlp-http", containerPort: COLLECTOR_PORTS.http },
          { name: "metrics", containerPort: COLLECTOR_PORTS.metrics },
        ],
        readinessProbe: { tcpSocket: { port: "otlp-grpc" }, periodSeconds: 5 },
        livenessProbe: { tcpSocket: { port: "otlp-grpc" }, periodSeconds: 10, failureThreshold: 6 },
        resources: { requests: { cpu: "200m", memory }, limits: { memory } },
        securityContext: restrictedContainer(),
        volumeMounts: [{ name: "configuration", mountPath: "/etc/otelcol", readOnly: true }],
      },
    ],
    volumes: [{ name: "configuration", configMap: { name: configuration } }],
  };
}
