import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { configurationHash } from "../configuration-hash.ts";
import { EVALUATION_NAMESPACE, ONLINE_PORT, ONLINE_SELECTOR } from "./address.ts";
import { evaluationPod, type SecretKey } from "./evaluation-pod.ts";

/** The evaluation of live answers. */
export interface OnlineEvaluationArgs {
  readonly image: string;
  /** Content of the configuration file. */
  readonly configuration: string;
  readonly gatewayKey: SecretKey;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * One pod that takes spans of answers whose people agreed to it, judges a share of them, and exports what the quality rules read. One, because
 * it counts what it may spend in memory; while it restarts, nothing is judged.
 */
export class OnlineEvaluation extends LlmopsComponent {
  constructor(name: string, args: OnlineEvaluationArgs, opts: ComponentOptions) {
    super("evaluation", "OnlineEvaluation", name, opts);
    const metadata = {
      name: "online-evaluation",
      namespace: EVALUATION_NAMESPACE,
      labels: { ...args.labels, ...ONLINE_SELECTOR },
    };
    const child = { parent: this };
    new k8s.core.v1.ConfigMap(
      this.childName("configuration"),
      { metadata, data: { "config.json": args.configuration } },
      child,
    );
    new k8s.apps.v1.Deployment(
      this.childName("deployment"),
      {
        metadata,
        spec: {
          replicas: 1,
          strategy: { type: "Recreate" },
          selector: { matchLabels: ONLINE_SELECTOR },
          template: {
            metadata: {
              labels: { ...args.labels, ...ONLINE_SELECTOR },
              // It reads its configuration once.
              annotations: { ...configurationHash(args.configuration) },
            },
            spec: evaluationPod(
              {
                image: args.image,
                program: "evals/bin/online.ts",
                configMap: metadata.name,
                gatewayKey: args.gatewayKey,
              },
              {
                ports: [{ name: "http", containerPort: ONLINE_PORT }],
                readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 10 },
                livenessProbe: {
                  httpGet: { path: "/healthz", port: "http" },
                  periodSeconds: 20,
                  failureThreshold: 6,
                },
              },
            ),
          },
        },
      },
      child,
    );
    new k8s.core.v1.Service(
      this.childName("service"),
      {
        metadata,
        spec: { selector: ONLINE_SELECTOR, ports: [{ name: "http", port: 80, targetPort: "http" }] },
      },
      child,
    );
    new k8s.apiextensions.CustomResource(
      this.childName("metrics"),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata,
        spec: {
          selector: { matchLabels: ONLINE_SELECTOR },
          podMetricsEndpoints: [{ port: "http", path: "/metrics", interval: "15s", honorLabels: true }],
        },
      },
      child,
    );
    this.registerOutputs({});
  }
}
