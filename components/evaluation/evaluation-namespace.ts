import * as k8s from "@pulumi/kubernetes";
import { clusterDns } from "../cluster/dns.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { podSecurityLabels } from "../pod-security.ts";
import {
  GATEWAY_CLIENT_LABEL,
  GATEWAY_NAMESPACE,
  GATEWAY_PORTS,
  GATEWAY_SELECTOR,
} from "../gateway/address.ts";
import { tcp } from "../network-policy.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import {
  EVALUATION_NAMESPACE,
  MLFLOW_CLIENT_LABEL,
  MLFLOW_NAMESPACE,
  MLFLOW_PORT,
  ONLINE_PORT,
  ONLINE_SELECTOR,
} from "./address.ts";

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;

const named = (name: string): { namespaceSelector: { matchLabels: Record<string, string> } } => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
});

/** Policies of the namespace by name: closed in both directions, then one opening for each need. */
export function evaluationPolicies(): Record<string, PolicySpec> {
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    asks: {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        clusterDns(),
        {
          to: [{ ...named(GATEWAY_NAMESPACE), podSelector: { matchLabels: GATEWAY_SELECTOR } }],
          ports: [tcp(GATEWAY_PORTS.api)],
        },
        { to: [named(MLFLOW_NAMESPACE)], ports: [tcp(MLFLOW_PORT)] },
      ],
    },
    // Applications that call the gateway, and Prometheus.
    online: {
      podSelector: { matchLabels: ONLINE_SELECTOR },
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: GATEWAY_CLIENT_LABEL } }, named(MONITORING_NAMESPACE)],
          ports: [tcp(ONLINE_PORT)],
        },
      ],
    },
  };
}

/** Namespace of the evaluations: they reach the gateway and MLflow, and nothing else. */
export class EvaluationNamespace extends LlmopsComponent {
  readonly namespace: k8s.core.v1.Namespace;

  constructor(
    name: string,
    { labels }: { readonly labels: Readonly<Record<string, string>> },
    opts: ComponentOptions,
  ) {
    super("evaluation", "EvaluationNamespace", name, opts);
    this.namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: EVALUATION_NAMESPACE,
          labels: {
            ...labels,
            ...GATEWAY_CLIENT_LABEL,
            ...MLFLOW_CLIENT_LABEL,
            ...podSecurityLabels("restricted"),
          },
        },
      },
      { parent: this },
    );
    for (const [suffix, spec] of Object.entries(evaluationPolicies()))
      new k8s.networking.v1.NetworkPolicy(
        this.childName(suffix),
        { metadata: { name: suffix, namespace: EVALUATION_NAMESPACE, labels }, spec },
        { parent: this, dependsOn: this.namespace },
      );
    this.registerOutputs({});
  }
}
