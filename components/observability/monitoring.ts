import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { HelmAddon } from "../addon/helm-addon.ts";
import { GATEWAY_ADMIN_LABEL } from "../gateway/address.ts";
import { GPU_NAMESPACE } from "../gpu/device-plugin.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { MONITORING_NAMESPACE, PROMETHEUS_ACCOUNT } from "./address.ts";
import {
  EXPORT_LEASE,
  prometheusFields,
  THANOS_STORE_SECRET,
  thanosStoreData,
  type MetricsBackend,
} from "./metrics/backend.ts";

/** Who installed DCGM exporter. */
export type GpuExporter = "device-plugin" | "gpu-operator" | "none";

/** Labels of DCGM exporter's pods, as its own chart and the GPU operator write them. */
const EXPORTER_PODS = {
  "device-plugin": { "app.kubernetes.io/name": "dcgm-exporter" },
  "gpu-operator": { app: "nvidia-dcgm-exporter" },
} as const satisfies Record<Exclude<GpuExporter, "none">, Record<string, string>>;

/** Metrics of one cluster. */
export interface MonitoringArgs {
  /** Days Prometheus keeps metrics itself. */
  readonly retentionDays: number;
  /** Volume of each Prometheus, GiB. */
  readonly volumeGiB: number;
  /** Where metrics go besides. */
  readonly backend: MetricsBackend;
  /** Name of the cluster, on every series that leaves it. */
  readonly clusterName: string;
  /** Whether alerts are sent anywhere. */
  readonly alerting: "on" | "off";
  /** What runs DCGM exporter on the GPU nodes; `none`: nothing that Prometheus could read. */
  readonly gpuExporter: GpuExporter;
}

/** Address of Prometheus inside the cluster: service of the release `kube-prometheus-stack`. */
export const PROMETHEUS_URL = `http://kube-prometheus-stack-prometheus.${MONITORING_NAMESPACE}.svc:9090`;

/** Prometheus and its operator; it scrapes every PodMonitor of the cluster and sends metrics where the environment says. */
export class Monitoring extends LlmopsComponent {
  /** What brings PodMonitor and PrometheusRule; their users depend on it. */
  readonly chart: HelmAddon;

  constructor(name: string, args: MonitoringArgs, opts: ComponentOptions) {
    super("observability", "Monitoring", name, opts);
    const namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: MONITORING_NAMESPACE,
          labels: {
            // The node exporter reads the host.
            "pod-security.kubernetes.io/enforce": "privileged",
            "pod-security.kubernetes.io/audit": "baseline",
            "pod-security.kubernetes.io/warn": "baseline",
            // Alertmanager asks the gateway to throttle; the key decides, the label opens the network.
            ...GATEWAY_ADMIN_LABEL,
          },
        },
      },
      { parent: this },
    );
    const administrator = this.#administrator(namespace);
    const { backend } = args;
    const metrics = this.#metrics(backend, namespace);
    this.chart = new HelmAddon(
      this.childName("chart"),
      {
        chart: "kube-prometheus-stack",
        namespace: MONITORING_NAMESPACE,
        values: {
          alertmanager:
            args.alerting === "off"
              ? { enabled: false }
              : {
                  enabled: true,
                  alertmanagerSpec: {
                    replicas: 2,
                    nodeSelector: { "llmops.io/node-role": "system" },
                    // Routes are the platform's own, so they hold for alerts of every namespace.
                    alertmanagerConfigMatcherStrategy: { type: "None" },
                  },
                },
          // The cost rule counts the nodes of each GPU pool.
          "kube-state-metrics": { metricLabelsAllowlist: ["nodes=[llmops.io/gpu-pool]"] },
          prometheus: {
            serviceAccount: { name: PROMETHEUS_ACCOUNT },
            thanosService: { enabled: backend.kind === "thanos" },
            prometheusSpec: {
              retention: `${args.retentionDays}d`,
              replicas: 2,
              storageSpec: {
                volumeClaimTemplate: {
                  spec: {
                    accessModes: ["ReadWriteOnce"],
                    resources: { requests: { storage: `${args.volumeGiB}Gi` } },
                  },
                },
              },
              ...prometheusFields(backend, args.clusterName),
              nodeSelector: { "llmops.io/node-role": "system" },
              podMonitorSelectorNilUsesHelmValues: false,
              serviceMonitorSelectorNilUsesHelmValues: false,
              ruleSelectorNilUsesHelmValues: false,
            },
          },
        },
      },
      { parent: this, dependsOn: [namespace, administrator, ...metrics] },
    );
    if (args.gpuExporter !== "none") this.#gpuMetrics(EXPORTER_PODS[args.gpuExporter]);
    this.registerOutputs({ url: PROMETHEUS_URL });
  }

  /** What Prometheus needs before it starts, to send metrics where they go besides. */
  #metrics(backend: MetricsBackend, namespace: k8s.core.v1.Namespace): readonly pulumi.Resource[] {
    switch (backend.kind) {
      case "local":
        return [];
      case "remote-write":
        return backend.ready;
      case "google-managed":
        return [...backend.ready, ...this.#exportLease(namespace)];
      case "thanos":
        return [
          new k8s.core.v1.Secret(
            this.childName("object-store"),
            {
              metadata: { name: THANOS_STORE_SECRET.name, namespace: MONITORING_NAMESPACE },
              stringData: thanosStoreData(backend.store),
            },
            { parent: this, dependsOn: namespace },
          ),
          ...backend.store.ready,
        ];
    }
  }

  /** Lets both Prometheus agree who exports, by a Lease. */
  #exportLease(namespace: k8s.core.v1.Namespace): readonly pulumi.Resource[] {
    const metadata = { name: EXPORT_LEASE, namespace: MONITORING_NAMESPACE };
    const inside = { parent: this, dependsOn: namespace };
    const leases = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
    return [
      new k8s.rbac.v1.Role(
        this.childName("export-role"),
        {
          metadata,
          rules: [
            // A name cannot restrict creation.
            { ...leases, verbs: ["create"] },
            { ...leases, resourceNames: [EXPORT_LEASE], verbs: ["get", "update"] },
          ],
        },
        inside,
      ),
      new k8s.rbac.v1.RoleBinding(
        this.childName("export-binding"),
        {
          metadata,
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: EXPORT_LEASE },
          subjects: [{ kind: "ServiceAccount", name: PROMETHEUS_ACCOUNT, namespace: MONITORING_NAMESPACE }],
        },
        inside,
      ),
    ];
  }

  /** Grafana's administrator, with a password that only the state of the stack and this Secret hold. */
  #administrator(namespace: k8s.core.v1.Namespace): k8s.core.v1.Secret {
    const randomness = new random.Provider(this.childName("randomness"), {}, { parent: this });
    const password = new random.RandomPassword(
      this.childName("grafana-password"),
      { length: 32, special: false },
      { parent: this, provider: randomness },
    );
    return new k8s.core.v1.Secret(
      this.childName("grafana-admin"),
      {
        metadata: { name: "grafana-admin", namespace: MONITORING_NAMESPACE },
        stringData: { user: "admin", password: password.result },
      },
      { parent: this, dependsOn: namespace },
    );
  }

  /** Reads DCGM exporter on every GPU node. */
  #gpuMetrics(pods: Readonly<Record<string, string>>): void {
    new k8s.apiextensions.CustomResource(
      this.childName("gpus"),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata: { name: "gpus", namespace: MONITORING_NAMESPACE },
        spec: {
          namespaceSelector: { matchNames: [GPU_NAMESPACE] },
          selector: { matchLabels: pods },
          podMetricsEndpoints: [{ port: "metrics", path: "/metrics", interval: "15s" }],
        },
      },
      { parent: this, dependsOn: this.chart },
    );
  }
}
