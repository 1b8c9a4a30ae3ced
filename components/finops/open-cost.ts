import * as k8s from "@pulumi/kubernetes";
import { HelmAddon } from "../addon/helm-addon.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";

/** Allocation of one cluster's cost. */
export interface OpenCostArgs {
  readonly clusterName: string;
  /** Price of one GPU of any pool, USD/h; OpenCost's own default of 0.95 would be far off. */
  readonly usdPerGpuHour: number;
  /** Label of model pods whose value is the model's name. */
  readonly modelLabel: string;
}

const NAMESPACE = "opencost";

/**
 * OpenCost: cost by namespace, pod and model. Its page has no login and is not installed; its copies of kube-state-metrics are
 * dropped, because the platform counts nodes by the originals.
 */
export class OpenCost extends LlmopsComponent {
  constructor(name: string, args: OpenCostArgs, opts: ComponentOptions) {
    super("finops", "OpenCost", name, opts);
    const namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      { metadata: { name: NAMESPACE, labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
      { parent: this },
    );
    new HelmAddon(
      this.childName("chart"),
      {
        chart: "opencost",
        namespace: NAMESPACE,
        values: {
          opencost: {
            nodeSelector: { "llmops.io/node-role": "system" },
            ui: { enabled: false },
            exporter: {
              defaultClusterId: args.clusterName,
              resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "1", memory: "1Gi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                runAsNonRoot: true,
                runAsUser: 1001,
                capabilities: { drop: ["ALL"] },
              },
              extraEnv: { INFERENCE_COST_ENABLED: "true", INFERENCE_MODEL_LABEL: args.modelLabel },
            },
            // A node's whole price is carried by its GPUs, so CPU and memory beside them are free.
            customPricing: {
              enabled: true,
              provider: "custom",
              costModel: {
                description: "List price on demand of the platform's price book",
                CPU: 0,
                RAM: 0,
                GPU: args.usdPerGpuHour,
                spotCPU: 0,
                spotRAM: 0,
                storage: 0,
                zoneNetworkEgress: 0,
                regionNetworkEgress: 0,
                internetNetworkEgress: 0,
              },
            },
            prometheus: {
              internal: {
                enabled: true,
                serviceName: "kube-prometheus-stack-prometheus",
                namespaceName: MONITORING_NAMESPACE,
                port: 9090,
              },
            },
            metrics: {
              kubeStateMetrics: { emitKsmV1Metrics: false, emitKsmV1MetricsOnly: false },
              serviceMonitor: {
                enabled: true,
                metricRelabelings: [{ sourceLabels: ["__name__"], regex: "kube_.*", action: "drop" }],
              },
            },
          },
        },
      },
      { parent: this, dependsOn: namespace },
    );
    this.registerOutputs({});
  }
}
