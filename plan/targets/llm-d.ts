import type * as k8s from "@pulumi/kubernetes";
import { podBudget, type Surge } from "../../components/delivery/strategy.ts";
import {
  GATEWAY_NAMESPACE,
  GATEWAY_NAMESPACE_LABEL,
  GATEWAY_SELECTOR,
} from "../../components/gateway/address.ts";
import { tcp } from "../../components/network-policy.ts";
import { restrictedContainer, restrictedPod } from "../../components/restricted.ts";
import { leftOut, lostDelivery, type ModelExport } from "./model-export.ts";
import { scalerOn, signedReports, type ModelConfig, type PlannedModel } from "./planned-model.ts";

/**
 * The router's chart, and the release of the router and of the InferencePool's definition that go with it. Chart and images are in a
 * registry that was not reachable where this was written, so no digest of them is known.
 * @see https://github.com/llm-d/llm-d-router/tree/v0.11.0/config/charts
 */
export const LLM_D_ROUTER = {
  chart: "oci://ghcr.io/llm-d/charts/llm-d-router-standalone",
  version: "v0.11.0",
  inferenceExtension: "v1.5.0",
} as const;

/** Port of the router's proxy. */
const PROXY_PORT = 8081;

/** Ports the Kubernetes API answers on, which the router asks for pods and pools. */
const API_SERVER_PORTS = [443, 6443] as const;

/** User of the router's pods; its images are built for any but root. */
const ROUTER_USER = 10_001;

/**
 * Name of the engine as the router knows its metrics; undefined for one whose queue and cache it cannot read.
 * @see https://github.com/llm-d/llm-d-router/blob/v0.11.0/config/charts/README.md
 */
function serverType({ engine }: ModelConfig): string | undefined {
  switch (engine.kind) {
    case "vllm":
    case "sglang":
      return engine.kind;
    case "triton":
      return engine.backend === "tensorrt-llm" ? "triton-tensorrt-llm" : undefined;
    case "tgi":
      return undefined;
  }
}

/** Values of the router's chart for one model: an InferencePool of its pods, the endpoint picker, and a proxy in front. */
function routerValues(type: string, selector: Readonly<Record<string, string>>, port: number): object {
  const { allowPrivilegeEscalation, capabilities } = restrictedContainer();
  return {
    router: {
      modelServers: { type, protocol: "http", matchLabels: selector, targetPorts: [{ number: port }] },
      // A router that is away costs good placement, not answers.
      inferencePool: { create: true, failureMode: "FailOpen" },
      epp: {
        image: { tag: LLM_D_ROUTER.version, pullPolicy: "IfNotPresent" },
        // What KServe 0.20 asks for; the chart's own default is eight cores for each model.
        resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { memory: "16Gi" } },
        podSecurityContext: restrictedPod(ROUTER_USER),
        securityContext: restrictedContainer(),
      },
      proxy: {
        resources: { requests: { cpu: "1", memory: "512Mi" }, limits: { memory: "1Gi" } },
        securityContext: { allowPrivilegeEscalation, capabilities },
      },
      extraServicePorts: [{ name: "http", protocol: "TCP", port: PROXY_PORT, targetPort: PROXY_PORT }],
    },
  };
}

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type Metadata = Readonly<Record<string, unknown>>;

function policy(metadata: Metadata, spec: PolicySpec): object {
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec };
}

/** Openings for the way gateway, router, engine; everything else stays closed. */
function ways(
  { config, deployment }: PlannedModel,
  router: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
  port: number,
): object[] {
  const { labels } = deployment.metadata;
  const metadata = (namespace: string, suffix: string): Metadata => ({
    name: `${config.name}-${suffix}`,
    namespace,
    labels,
  });
  const routerPods = { podSelector: { matchLabels: router } };
  const enginePods = { podSelector: { matchLabels: selector } };
  return [
    policy(metadata(config.tenant, "from-router"), {
      ...enginePods,
      policyTypes: ["Ingress"],
      ingress: [{ from: [routerPods], ports: [tcp(port)] }],
    }),
    policy(metadata(config.tenant, "router"), {
      ...routerPods,
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: GATEWAY_NAMESPACE_LABEL } }],
          ports: [tcp(PROXY_PORT)],
        },
      ],
      egress: [
        { to: [enginePods], ports: [tcp(port)] },
        { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: API_SERVER_PORTS.map(tcp) },
      ],
    }),
    policy(metadata(GATEWAY_NAMESPACE, `${config.tenant}-router`), {
      podSelector: { matchLabels: GATEWAY_SELECTOR },
      policyTypes: ["Egress"],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": config.tenant } },
              ...routerPods,
            },
          ],
          ports: [tcp(PROXY_PORT)],
        },
      ],
    }),
  ];
}

/** GPUs that pods may take while they are replaced one by one; those of other strategies stay spare. */
function surgeOf({ delivery }: ModelConfig): Surge {
  return delivery.strategy === "rolling" ? delivery.surge : { kind: "in-place" };
}

/**
 * A model as llm-d serves it: the engine's own Deployment behind llm-d's router in standalone mode, which picks the replica with the
 * shortest queue and the longest cached prefix. The Service the gateway calls leads to the router, so that guards and records stay
 * in the way.
 * @see https://github.com/llm-d/llm-d/tree/main/guides/optimized-baseline
 */
export function exportToLlmD(model: PlannedModel): ModelExport {
  const { config, deployment } = model;
  const { name, tenant } = config;
  const type = serverType(config);
  if (type === undefined)
    return leftOut(`llm-d's router reads no queue and no cache of ${config.engine.kind}`);
  const selector = { "llmops.io/model": name };
  const port = deployment.spec.template.spec.containers[0].ports[0].containerPort;
  // The chart names its pods after the release, of which it takes 40 characters; no model has more.
  const router = { "llm-d-router-gateway": `${name}-epp` };
  const [objects, values] = [`${name}.yaml`, `${name}.values.yaml`];
  return {
    files: [
      {
        name: objects,
        documents: [
          ...signedReports(model),
          {
            ...deployment,
            spec: {
              selector: { matchLabels: selector },
              strategy: { type: "RollingUpdate", rollingUpdate: podBudget(surgeOf(config)) },
              progressDeadlineSeconds: deployment.spec.progressDeadlineSeconds,
              template: deployment.spec.template,
            },
          },
          scalerOn(name, model),
          {
            apiVersion: "v1",
            kind: "Service",
            metadata: deployment.metadata,
            spec: { selector: router, ports: [{ name: "http", port, targetPort: PROXY_PORT }] },
          },
          ...ways(model, router, selector, port),
        ],
      },
      { name: values, documents: [routerValues(type, selector, port)] },
    ],
    commands: [
      `kubectl apply -f https://github.com/kubernetes-sigs/gateway-api-inference-extension/releases/download/${LLM_D_ROUTER.inferenceExtension}/v1-manifests.yaml`,
      `helm upgrade --install ${name} ${LLM_D_ROUTER.chart} --version ${LLM_D_ROUTER.version} --namespace ${tenant} --values ${values}`,
      `kubectl apply -f ${objects}`,
    ],
    lost: [
      ...lostDelivery(model),
      ...(config.autoscaling.minReplicas > 0
        ? []
        : ["at zero replicas the router answers 503 where the gateway would have held the call"]),
      `router and proxy are pinned by tag only and carry no labels of the stack: admission policies of the blueprint refuse them in ${tenant}; llm-d needs a cluster or namespace without`,
      `nobody scrapes the router's own metrics, and ${tenant}'s quota must hold 2 cores and 2.5 GiB more`,
    ],
  };
}
