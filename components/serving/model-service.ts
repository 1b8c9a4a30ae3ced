import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { podBudget, type Delivery } from "../delivery/strategy.ts";
import { GATEWAY_NAMESPACE_LABEL } from "../gateway/address.ts";
import { MONITORING_NAMESPACE } from "../observability/monitoring.ts";
import {
  adapterMount,
  CACHE_MOUNT,
  engineContainer,
  MODEL_MOUNT,
  TOKENIZER_MOUNT,
  type Engine,
  type EngineContainer,
  type ModelSource,
  type PinnedImage,
} from "./engine.ts";

/** One model on the platform's own GPUs. */
export interface ModelServiceArgs {
  /** Served name, also the name of every object. */
  readonly model: string;
  /** Namespace of the tenant. */
  readonly namespace: string;
  readonly engine: Engine;
  readonly source: ModelSource;
  /** GPUs of one replica. */
  readonly tensorParallel: number;
  /** Size of the weights, GiB; main memory is sized for loading them. */
  readonly weightsGiB: number;
  /** Labels of the nodes it may run on. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** What one replica gets of a node; absent where the node is unknown. */
  readonly share?: { readonly cpus: number; readonly memoryGiB: number };
  readonly termination: Termination;
  /** How a new version takes over. @default rolling, in place */
  readonly delivery?: Delivery;
  readonly labels: Readonly<Record<string, string>>;
}

/** How a replica ends without dropping a request. */
export interface Termination {
  /** Seconds between leaving the endpoints and SIGTERM. */
  readonly preStopSeconds: number;
  /** Seconds running requests get after SIGTERM. */
  readonly drainSeconds: number;
  /** Seconds until the kubelet kills the pod. */
  readonly gracePeriodSeconds: number;
}

/** Main memory an engine needs besides its weights, GiB. */
const LEAST_MEMORY_GIB = 16;

/** Seconds the first answer of a replica may take. */
const WARM_UP_SECONDS = 60;

/** Main memory for streaming weights in, as a multiple of their size. */
const WEIGHT_BUFFER = 1.2;

/** CPU cores and main memory of one replica. */
export interface ReplicaResources {
  readonly cpus: number;
  readonly memoryGiB: number;
}

/**
 * Cores and memory of one replica: what the engine wants, but no more than its share of the node.
 * @throws pulumi.InputPropertyError when the node's memory cannot hold the weights while they load
 */
export function replicaResources(
  args: Pick<ModelServiceArgs, "tensorParallel" | "weightsGiB" | "share">,
): ReplicaResources {
  const cpus = 4 + 2 * args.tensorParallel;
  const memoryGiB = Math.ceil(Math.max(LEAST_MEMORY_GIB, args.weightsGiB * WEIGHT_BUFFER));
  if (args.share === undefined) return { cpus, memoryGiB };
  if (memoryGiB > args.share.memoryGiB)
    throw new pulumi.InputPropertyError({
      propertyPath: "share.memoryGiB",
      reason: `${memoryGiB} GiB to load ${args.weightsGiB.toFixed(1)} GiB of weights > ${args.share.memoryGiB} GiB of the node`,
    });
  return { cpus: Math.max(1, Math.min(cpus, args.share.cpus)), memoryGiB };
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateModelServiceArgs(args: ModelServiceArgs): void {
  const fail = (propertyPath: string, reason: string): never => {
    throw new pulumi.InputPropertyError({ propertyPath, reason });
  };
  const { preStopSeconds, drainSeconds, gracePeriodSeconds } = args.termination;
  if (gracePeriodSeconds <= preStopSeconds + drainSeconds)
    fail(
      "termination.gracePeriodSeconds",
      `${gracePeriodSeconds} s <= preStop ${preStopSeconds} s + drain ${drainSeconds} s: the kubelet would kill running requests`,
    );
  if (!/@sha256:[0-9a-f]{64}$/.test(args.engine.image))
    fail("engine.image", `'${args.engine.image}' is not pinned by digest`);
  if (args.engine.kind === "triton" && args.source.kind !== "s3" && args.source.kind !== "gs")
    fail("source.kind", `Triton reads a model repository from s3 or gs, not from '${args.source.kind}'`);
  replicaResources(args);
}

/** A served model: engine pods that drain before they end, reachable by the gateway and Prometheus only. */
export class ModelService extends LlmopsComponent {
  /** What an autoscaler scales. */
  readonly deployment: k8s.apps.v1.Deployment;

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
      drainSeconds: args.termination.drainSeconds,
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
    this.deployment = this.#deployment(args, container, metadata, selector, account);
    new k8s.core.v1.Service(
      this.childName("service"),
      { metadata, spec: { selector, ports: [{ name: "http", port: 80, targetPort: "http" }] } },
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
          selector: { matchLabels: selector },
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
          ],
          // Without a rule nothing goes out; an empty list would be a change with every apply.
          ...(args.source.kind === "oci"
            ? {}
            : { egress: [{ to: [{ ipBlock: PUBLIC_ADDRESSES }], ports: [{ protocol: "TCP", port: 443 }] }] }),
        },
      },
      { parent: this },
    );
  }

  #deployment(
    args: ModelServiceArgs,
    container: EngineContainer,
    metadata: k8s.types.input.meta.v1.ObjectMeta,
    selector: Readonly<Record<string, string>>,
    account: k8s.core.v1.ServiceAccount,
  ): k8s.apps.v1.Deployment {
    const { cpus, memoryGiB } = replicaResources(args);
    const probe = (path: string): k8s.types.input.core.v1.Probe => ({ httpGet: { path, port: "http" } });
    const files = fileVolumes(args);
    return new k8s.apps.v1.Deployment(
      this.childName("engine"),
      {
        metadata,
        spec: {
          ...updates(args.delivery),
          progressDeadlineSeconds: 2400,
          selector: { matchLabels: selector },
          template: {
            metadata: {
              labels: { ...args.labels, ...selector },
              annotations: {
                "karpenter.sh/do-not-disrupt": "true",
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
              },
            },
            spec: {
              serviceAccountName: account.metadata.name,
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              terminationGracePeriodSeconds: args.termination.gracePeriodSeconds,
              nodeSelector: args.nodeSelector,
              tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
              topologySpreadConstraints: [
                {
                  maxSkew: 1,
                  topologyKey: "topology.kubernetes.io/zone",
                  whenUnsatisfiable: "ScheduleAnyway",
                  labelSelector: { matchLabels: selector },
                },
              ],
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 10_001,
                runAsGroup: 10_001,
                fsGroup: 10_001,
                seccompProfile: { type: "RuntimeDefault" },
              },
              containers: [
                {
                  name: "engine",
                  image: args.engine.image,
                  ...(container.command === undefined ? {} : { command: [...container.command] }),
                  args: [...container.args],
                  env: Object.entries(container.env).map(([key, value]) => ({ name: key, value })),
                  ports: [{ name: "http", containerPort: container.port }],
                  resources: {
                    requests: { cpu: `${cpus}`, memory: `${memoryGiB}Gi`, "ephemeral-storage": "20Gi" },
                    limits: { memory: `${memoryGiB}Gi`, "nvidia.com/gpu": `${args.tensorParallel}` },
                  },
                  // Half an hour: node, image and weights on a cold start.
                  startupProbe: {
                    ...(container.warmUp === undefined
                      ? probe(container.health.live)
                      : { exec: { command: [...container.warmUp] }, timeoutSeconds: WARM_UP_SECONDS }),
                    periodSeconds: 10,
                    failureThreshold: 180,
                  },
                  readinessProbe: {
                    ...probe(container.health.ready),
                    periodSeconds: 5,
                    timeoutSeconds: 2,
                    failureThreshold: 2,
                  },
                  livenessProbe: {
                    ...probe(container.health.live),
                    periodSeconds: 10,
                    timeoutSeconds: 5,
                    failureThreshold: 6,
                  },
                  lifecycle: { preStop: { sleep: { seconds: args.termination.preStopSeconds } } },
                  // The NVIDIA hook writes to the root file system, so it cannot be read-only.
                  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
                  volumeMounts: [
                    { name: "shm", mountPath: "/dev/shm" },
                    { name: "cache", mountPath: CACHE_MOUNT },
                    ...files.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
                  ],
                },
              ],
              volumes: [
                {
                  name: "shm",
                  emptyDir: { medium: "Memory", sizeLimit: args.tensorParallel > 1 ? "16Gi" : "2Gi" },
                },
                { name: "cache", emptyDir: {} },
                ...files.map(({ name, content: { image, digest } }) => ({
                  name,
                  image: { reference: `${image}@${digest}` },
                })),
              ],
            },
          },
        },
      },
      { parent: this },
    );
  }
}

/** Files of an image, mounted beside the engine. */
interface FileVolume {
  readonly name: string;
  readonly mountPath: string;
  readonly content: PinnedImage;
}

function fileVolumes({ engine, source }: ModelServiceArgs): readonly FileVolume[] {
  return [
    ...(source.kind === "oci" ? [{ name: "model", mountPath: MODEL_MOUNT, content: source }] : []),
    ...(engine.kind === "triton"
      ? [{ name: "tokenizer", mountPath: TOKENIZER_MOUNT, content: engine.tokenizer }]
      : []),
    ...(engine.kind === "vllm" ? (engine.adapters ?? []) : []).map((adapter) => ({
      name: `adapter-${adapter.name}`,
      mountPath: adapterMount(adapter.name),
      content: adapter,
    })),
  ];
}

/** Replicas belong to the autoscaler; a Deployment that a Rollout refers to describes pods and runs none. */
function updates(
  delivery: Delivery = { strategy: "rolling", surge: { kind: "in-place" } },
): Pick<k8s.types.input.apps.v1.DeploymentSpec, "replicas" | "strategy"> {
  return delivery.strategy === "rolling"
    ? { strategy: { type: "RollingUpdate", rollingUpdate: podBudget(delivery.surge) } }
    : { replicas: 0 };
}

/** Everything outside private networks: where hubs and object stores are. */
const PUBLIC_ADDRESSES = {
  cidr: "0.0.0.0/0",
  except: ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
};
