import type * as k8s from "@pulumi/kubernetes";
import { gatePods } from "../delivery/pod-gate.ts";
import { cacheParts } from "./cache.ts";
import {
  adapterMount,
  adaptersOf,
  CACHE_MOUNT,
  ENGINE_USER,
  MODEL_MOUNT,
  TOKENIZER_MOUNT,
  type EngineContainer,
  type EngineProbe,
  type ModelSource,
  type PinnedImage,
} from "./engine.ts";
import { STARTUP_SECONDS } from "./cold-start.ts";
import { replicaResources } from "./resources.ts";
import type { ModelServiceArgs } from "./model-service-args.ts";
import { restrictedPod } from "../restricted.ts";

/** What the pods of an engine share with the objects around them. */
export interface EngineObjects {
  readonly container: EngineContainer;
  readonly metadata: k8s.types.input.meta.v1.ObjectMeta;
  readonly selector: Readonly<Record<string, string>>;
  readonly account: k8s.core.v1.ServiceAccount;
  /** Signed reports its pods read. */
  readonly reports: readonly k8s.core.v1.ConfigMap[];
}

/** Seconds between two questions whether an engine has started. */
const STARTUP_PERIOD_SECONDS = 10;

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
    ...adaptersOf(engine).map((adapter) => ({
      name: `adapter-${adapter.name}`,
      mountPath: adapterMount(adapter.name),
      content: adapter,
    })),
  ];
}

/** Probes of the pod that answers; further nodes of a replica answer nobody, and end with it. */
function probes(
  container: EngineContainer,
): Pick<k8s.types.input.core.v1.Container, "startupProbe" | "readinessProbe" | "livenessProbe"> {
  const probe = ({ timeoutSeconds, ...asked }: EngineProbe): k8s.types.input.core.v1.Probe => ({
    ...("path" in asked
      ? { httpGet: { path: asked.path, port: "http" } }
      : { exec: { command: [...asked.command] } }),
    timeoutSeconds,
  });
  const { started, ready, live } = container.probes;
  return {
    startupProbe: {
      ...probe(started),
      periodSeconds: STARTUP_PERIOD_SECONDS,
      failureThreshold: STARTUP_SECONDS / STARTUP_PERIOD_SECONDS,
    },
    readinessProbe: { ...probe(ready), periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...probe(live), periodSeconds: 10, failureThreshold: 6 },
  };
}

/** @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables#hftoken */
function hubToken(source: ModelSource): k8s.types.input.core.v1.EnvVar[] {
  return source.kind === "hub" && source.token !== undefined
    ? [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { ...source.token } } }]
    : [];
}

/** Pods of an engine: the one that answers, or a further node of its replica. */
export function enginePod(
  args: ModelServiceArgs,
  { container, selector, account }: EngineObjects,
  role: "leader" | "worker",
): k8s.types.input.core.v1.PodTemplateSpec {
  const { cpus, memoryGiB } = replicaResources(args);
  const files = fileVolumes(args);
  const cache = cacheParts(args.cache ?? { kind: "none" }, args.model, args.engine.image);
  // The pod that answers asks; further nodes of its replica end with it.
  const gates = gatePods({ place: "engine", gates: role === "leader" ? args.gates : [] });
  const initContainers = [...gates.initContainers, ...cache.initContainers];
  return {
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
        ...restrictedPod(ENGINE_USER),
        fsGroup: ENGINE_USER,
        // Without it every start would walk through all files of a shared cache.
        ...(args.cache?.kind === "shared" ? { fsGroupChangePolicy: "OnRootMismatch" } : {}),
      },
      ...(initContainers.length === 0 ? {} : { initContainers }),
      containers: [
        {
          name: "engine",
          image: args.engine.image,
          ...(container.command === undefined ? {} : { command: [...container.command] }),
          args: [...(role === "leader" ? container.args : container.workerArgs)],
          env: [
            ...Object.entries(container.env).map(([key, value]) => ({ name: key, value })),
            ...hubToken(args.source),
          ],
          ports: [{ name: "http", containerPort: container.port }],
          resources: {
            requests: { cpu: `${cpus}`, memory: `${memoryGiB}Gi`, "ephemeral-storage": "20Gi" },
            limits: { memory: `${memoryGiB}Gi`, "nvidia.com/gpu": `${args.tensorParallel}` },
          },
          ...(role === "leader" ? probes(container) : {}),
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
        ...gates.volumes,
        ...cache.volumes,
        ...files.map(({ name, content: { image, digest } }) => ({
          name,
          image: { reference: `${image}@${digest}` },
        })),
      ],
    },
  };
}
