import * as k8s from "@pulumi/kubernetes";
import { HelmAddon } from "../addon/helm-addon.ts";
import { GATEWAY_ADMIN_LABEL } from "../gateway/address.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** Metrics of one cluster. */
export interface MonitoringArgs {
  /** Days metrics are kept. */
  readonly retentionDays: number;
  /** Whether alerts are sent anywhere. */
  readonly alerting: "on" | "off";
}

/** Namespace of Prometheus; engines let it in. */
export const MONITORING_NAMESPACE = "monitoring";

/** Address of Prometheus inside the cluster: service of the release `kube-prometheus-stack`. */
export const PROMETHEUS_URL = `http://kube-prometheus-stack-prometheus.${MONITORING_NAMESPACE}.svc:9090`;

/** Prometheus and its operator; it scrapes every PodMonitor of the cluster. */
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
            prometheusSpec: {
              retention: `${args.retentionDays}d`,
              replicas: 2,
              nodeSelector: { "llmops.io/node-role": "system" },
              podMonitorSelectorNilUsesHelmValues: false,
              serviceMonitorSelectorNilUsesHelmValues: false,
              ruleSelectorNilUsesHelmValues: false,
            },
          },
        },
      },
      { parent: this, dependsOn: namespace },
    );
    this.registerOutputs({ url: PROMETHEUS_URL });
  }
}
