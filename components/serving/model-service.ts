import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { evaluationsOf, validateGates } from "../delivery/gate.ts";
import { gateReports, untilSigned } from "../delivery/pod-gate.ts";
import { podBudget, type Delivery } from "../delivery/strategy.ts";
import { GATEWAY_NAMESPACE_LABEL } from "../gateway/address.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import { toAddress } from "../network-policy.ts";
import { UNAWAITED } from "../unawaited.ts";
import { coldStartTimeouts, COLD_START_SECONDS } from "./cold-start.ts";
import { cacheClaimName, cacheFolder, ENGINES_WITH_KERNEL_CACHE } from "./cache.ts";
import { engineContainer, MULTI_NODE_ENGINES, TRACING_ENGINES, type EngineContainer } from "./engine.ts";
import { OTLP_GRPC_PORT, toCollectors, TRACES_GRPC } from "../tracing/address.ts";
import type { ModelServiceArgs } from "./model-service-args.ts";
import { enginePod, type EngineObjects } from "./engine-pod.ts";
import { replicaResources } from "./resources.ts";

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateModelServiceArgs(args: ModelServiceArgs): void {
  const { preStopSeconds, drainSeconds, gracePeriodSeconds } = args.termination;
  if (gracePeriodSeconds <= preStopSeconds + drainSeconds)
    refuse(
      "termination.gracePeriodSeconds",
      `${gracePeriodSeconds} s <= preStop ${preStopSeconds} s + drain ${drainSeconds} s: the kubelet would kill running requests`,
    );
  if (!/@sha256:[0-9a-f]{64}$/.test(args.engine.image))
    refuse("engine.image", `'${args.engine.image}' is not pinned by digest`);
  if (args.engine.kind === "triton" && args.source.kind !== "s3" && args.source.kind !== "gs")
    refuse("source.kind", `Triton reads a model repository from s3 or gs, not from '${args.source.kind}'`);
  if (args.nodes > 1 && !MULTI_NODE_ENGINES.has(args.engine.kind))
    refuse("nodes", `${args.engine.kind} does not divide a model over nodes here`);
  if (args.nodes > 1 && args.delivery !== undefined && args.delivery.strategy !== "rolling")
    refuse(
      "delivery.strategy",
      `'${args.delivery.strategy}' replaces pods, but a replica is ${args.nodes} of them`,
    );
  if (args.cache?.kind === "image" && !ENGINES_WITH_KERNEL_CACHE.has(args.engine.kind))
    refuse("cache.kind", `${args.engine.kind} has no compiled kernels that an image could hold`);
  validateGates(args.gates);
  replicaResources(args);
}

/** Whether the engine can send spans and is asked to. */
function sendsSpans({ engine, spans }: ModelServiceArgs): boolean {
  return spans === "on" && TRACING_ENGINES.has(engine.kind);
}

/** A served model: engine pods that drain before they end, reachable by the gateway and Prometheus only. */
export class ModelService extends LlmopsComponent {
  /** What an autoscaler scales. */
  readonly workload: k8s.apps.v1.Deployment | k8s.apiextensions.CustomResource;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: ModelServiceArgs, opts: ComponentOptions) {
    validateModelServiceArgs(args);
    super("serving", "ModelService", name, opts);
    if (args.engine.kind === "tgi")
      void pulumi.log.warn("TGI is in maintenance mode since 2025-12; plan a move to vLLM or SGLang", this);
    const container = engineContainer(args.engine, {
      name: args.model,
      source: args.source,
      tensorParallel: args.tensorParallel,
      nodes: args.nodes,
      drainSeconds: args.termination.drainSeconds,
      cacheFolder: cacheFolder(args.cache ?? { kind: "none" }, args),
      ...(sendsSpans(args) ? { traces: TRACES_GRPC } : {}),
    });
    const selector = { "llmops.io/model": args.model };
    const metadata = {
      name: args.model,
      namespace: args.namespace,
      labels: { ...args.labels, ...selector, "llmops.io/engine": args.engine.kind },
    };
    const account = new k8s.core.v1.ServiceAccount(
      this.childName("account"),
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
    this.#network(args, container, metadata, selector);
    this.#cache(args, metadata);
    const reports = gateReports(
      (suffix) => this.childName(suffix),
      { place: "engine", gates: args.gates },
      metadata,
      { parent: this },
    );
    const objects = { container, metadata, selector, account, reports };
    this.workload = args.nodes === 1 ? this.#deployment(args, objects) : this.#group(args, objects);
    const answering = args.nodes === 1 ? selector : { ...selector, ...LEADER_LABEL };
    new k8s.core.v1.Service(
      this.childName("service"),
      {
        metadata,
        // Headless: its name stands for every ready replica, and the gateway chooses among them.
        spec: {
          clusterIP: "None",
          selector: answering,
          ports: [{ name: "http", port: container.port, targetPort: "http" }],
        },
      },
      // A blue-green delivery adds the hash of the active colour to the selector.
      {
        parent: this,
        ...(args.delivery?.strategy === "blue-green" ? { ignoreChanges: ["spec.selector"] } : {}),
      },
    );
    new k8s.policy.v1.PodDisruptionBudget(
      this.childName("disruption"),
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
      { parent: this },
    );
    new k8s.apiextensions.CustomResource(
      this.childName("metrics"),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata,
        spec: {
          selector: { matchLabels: answering },
          podMetricsEndpoints: [
            {
              port: "http",
              path: "/metrics",
              interval: "5s",
            },
          ],
        },
      },
      { parent: this },
    );
    this.registerOutputs({ model: args.model });
  }

  #network(
    args: ModelServiceArgs,
    container: EngineContainer,
    metadata: k8s.types.input.meta.v1.ObjectMeta,
    selector: Readonly<Record<string, string>>,
  ): void {
    const namespaced = (labels: Record<string, string>): k8s.types.input.networking.v1.NetworkPolicyPeer => ({
      namespaceSelector: { matchLabels: labels },
    });
    const egress: k8s.types.input.networking.v1.NetworkPolicyEgressRule[] = [
      ...(args.source.kind === "oci"
        ? []
        : [{ to: [{ ipBlock: PUBLIC_ADDRESSES }], ports: [{ protocol: "TCP", port: 443 }] }]),
      ...(args.identity ?? []).map(toAddress),
      ...(sendsSpans(args) ? [toCollectors(OTLP_GRPC_PORT)] : []),
      // The nodes of a replica exchange activations on ports of their choice.
      ...(args.nodes === 1 ? [] : [{ to: [{ podSelector: { matchLabels: selector } }] }]),
    ];
    new k8s.networking.v1.NetworkPolicy(
      this.childName("network"),
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selector },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: [namespaced(GATEWAY_NAMESPACE_LABEL)],
              ports: [{ protocol: "TCP", port: container.port }],
            },
            {
              from: [namespaced({ "kubernetes.io/metadata.name": MONITORING_NAMESPACE })],
              ports: [{ protocol: "TCP", port: container.port }],
            },
            ...(args.nodes === 1 ? [] : [{ from: [{ podSelector: { matchLabels: selector } }] }]),
          ],
          // Without a rule nothing goes out; an empty list would be a change with every apply.
          ...(egress.length === 0 ? {} : { egress }),
        },
      },
      { parent: this },
    );
  }

  /** The file system that replicas share; deleting it costs nothing but a slow start. */
  #cache({ cache, model }: ModelServiceArgs, metadata: k8s.types.input.meta.v1.ObjectMeta): void {
    if (cache?.kind !== "shared") return;
    new k8s.core.v1.PersistentVolumeClaim(
      this.childName("cache"),
      {
        metadata: {
          ...metadata,
          name: cacheClaimName(model),
          // A class that binds with the first pod would keep `pulumi up` waiting for one.
          annotations: UNAWAITED,
        },
        spec: {
          accessModes: ["ReadWriteMany"],
          storageClassName: cache.storageClass,
          resources: { requests: { storage: `${cache.sizeGiB}Gi` } },
        },
      },
      { parent: this },
    );
  }

  #deployment(args: ModelServiceArgs, objects: EngineObjects): k8s.apps.v1.Deployment {
    const { metadata, selector, reports } = objects;
    return new k8s.apps.v1.Deployment(
      this.childName("engine"),
      {
        metadata: { ...metadata, ...evaluated(args) },
        spec: {
          ...updates(args.delivery),
          progressDeadlineSeconds: COLD_START_SECONDS,
          selector: { matchLabels: selector },
          template: enginePod(args, objects, "leader"),
        },
      },
      { parent: this, dependsOn: [...reports], customTimeouts: startTimeouts(args) },
    );
  }

  /** Replicas that are groups of pods: only the leader of each answers, and one pod that ends ends its group. */
  #group(args: ModelServiceArgs, objects: EngineObjects): k8s.apiextensions.CustomResource {
    return new k8s.apiextensions.CustomResource(
      this.childName("group"),
      {
        apiVersion: "leaderworkerset.x-k8s.io/v1",
        kind: "LeaderWorkerSet",
        metadata: { ...objects.metadata, ...evaluated(args) },
        spec: {
          startupPolicy: "LeaderCreated",
          rolloutStrategy: {
            type: "RollingUpdate",
            rollingUpdateConfiguration: podBudget(args.delivery?.surge ?? { kind: "in-place" }),
          },
          leaderWorkerTemplate: {
            size: args.nodes,
            restartPolicy: "RecreateGroupOnPodRestart",
            leaderTemplate: enginePod(args, objects, "leader"),
            workerTemplate: enginePod(args, objects, "worker"),
          },
        },
      },
      { parent: this, dependsOn: [...objects.reports] },
    );
  }
}

/** Names the evaluations on the workload, not on its pods: a newer one about the same weights starts none. */
function evaluated({ gates }: ModelServiceArgs): Pick<k8s.types.input.meta.v1.ObjectMeta, "annotations"> {
  return gates.length === 0 ? {} : { annotations: { ...evaluationsOf(gates), ...untilSigned(gates) } };
}

/** How long `pulumi up` waits; a Deployment that a Rollout refers to is ready at once. */
function startTimeouts({ delivery, maxReplicas }: ModelServiceArgs): pulumi.CustomTimeouts {
  const { maxSurge, maxUnavailable } = podBudget(delivery?.surge ?? { kind: "in-place" });
  return coldStartTimeouts({ replicas: maxReplicas, sideBySide: maxSurge + maxUnavailable });
}

/** Replicas belong to the autoscaler; a Deployment that a Rollout refers to describes pods and runs none. */
function updates(
  delivery: Delivery = { strategy: "rolling", surge: { kind: "in-place" } },
): Pick<k8s.types.input.apps.v1.DeploymentSpec, "replicas" | "strategy"> {
  return delivery.strategy === "rolling"
    ? { strategy: { type: "RollingUpdate", rollingUpdate: podBudget(delivery.surge) } }
    : { replicas: 0 };
}

/** Label of the pod of a group that answers. @see https://lws.sigs.k8s.io/docs/reference/labels-annotations-and-environment-variables/ */
const LEADER_LABEL = { "leaderworkerset.sigs.k8s.io/worker-index": "0" } as const;

/** Everything outside private networks: where hubs and object stores are. */
const PUBLIC_ADDRESSES = {
  cidr: "0.0.0.0/0",
  except: ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
};
