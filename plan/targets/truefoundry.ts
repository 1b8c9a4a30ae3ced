import type { Accelerator } from "../../components/gpu/accelerators.ts";
import { leftOut, type ModelExport } from "./model-export.ts";
import {
  ModelExportError,
  type EngineContainer,
  type ModelConfig,
  type PlannedModel,
  type Probe,
} from "./planned-model.ts";

/** Names TrueFoundry takes for a service, and what it says about them. */
const SERVICE_NAME = /^[a-z](?:[a-z0-9]|-(?!-)){1,30}[a-z0-9]$/;

/** TrueFoundry's names of GPU models. @see https://pypi.org/project/truefoundry/0.17.5/ (GPUType) */
const GPU_NAMES: Readonly<Record<Accelerator, string>> = {
  T4: "T4",
  L4: "L4",
  A10G: "A10G",
  L40S: "L40S",
  "A100-40GB": "A100_40GB",
  "A100-80GB": "A100_80GB",
  H100: "H100_80GB",
  H200: "H200",
  B200: "B200",
};

/**
 * What images of engines run when only arguments are given: TrueFoundry's `command` takes the place of both.
 * @see https://github.com/vllm-project/vllm/blob/main/docker/Dockerfile
 * @see https://github.com/huggingface/text-generation-inference/blob/main/Dockerfile
 */
const ENTRY_POINTS: Partial<Readonly<Record<ModelConfig["engine"]["kind"], readonly string[]>>> = {
  vllm: ["vllm", "serve"],
  tgi: ["text-generation-launcher"],
};

/** A quantity of ours in TrueFoundry's megabytes of 1,000,000 bytes, rounded up. @throws ModelExportError */
function megabytes(quantity: string): number {
  const [, gibibytes] = /^(\d+)Gi$/.exec(quantity) ?? [];
  if (gibibytes === undefined) throw new ModelExportError(`'${quantity}' is no number of GiB`);
  return Math.ceil((Number(gibibytes) * 2 ** 30) / 1e6);
}

function commandOf({ engine }: ModelConfig, { command, args }: EngineContainer): readonly string[] {
  const entry = command ?? ENTRY_POINTS[engine.kind];
  if (entry === undefined) throw new ModelExportError(`nobody knows what images of ${engine.kind} run`);
  return [...entry, ...args];
}

function probe(
  { httpGet, periodSeconds, timeoutSeconds, failureThreshold }: Probe,
  port: number,
  path: string,
): object {
  return {
    config: { type: "http", path: httpGet?.path ?? path, port },
    period_seconds: periodSeconds,
    ...(timeoutSeconds === undefined ? {} : { timeout_seconds: timeoutSeconds }),
    failure_threshold: failureThreshold,
  };
}

/** Which machines may run it; TrueFoundry knows no order of more than two kinds. */
function capacityType(ladder: PlannedModel["pool"]["capacity"]): string {
  if (!ladder.includes("spot")) return "on_demand";
  return ladder.length === 1 ? "spot" : "spot_fallback_on_demand";
}

function rollout({ delivery }: ModelConfig): object {
  switch (delivery.strategy) {
    case "rolling":
      // Kubernetes rounds a surge up and what may be missing down, to one pod where both would be none.
      return delivery.surge.kind === "in-place"
        ? { type: "rolling_update", max_surge_percentage: 0, max_unavailable_percentage: 25 }
        : { type: "rolling_update", max_surge_percentage: 25, max_unavailable_percentage: 0 };
    case "blue-green":
      return { type: "blue_green", enable_auto_promotion: false };
    case "canary":
      // Without a duration a step waits for a person.
      return { type: "canary", steps: delivery.steps.map(({ weight }) => ({ weight_percentage: weight })) };
  }
}

function lostOf(
  { config, pool, scaler, evaluations }: PlannedModel,
  { startupProbe: startup, env }: EngineContainer,
  replicas: number,
): string[] {
  const { delivery } = config;
  return [
    ...env.flatMap((variable) =>
      "value" in variable
        ? []
        : [
            `${variable.name} is missing: write it as a secret of TrueFoundry, which reads none of the cluster`,
          ],
    ),
    `stays at ${replicas} of ${scaler.spec.maxReplicaCount} replicas: TrueFoundry scales by CPU, requests per second or a schedule, not by offered load`,
    "no pod security, no drain before a pod ends, no network policy of its own: TrueFoundry's manifest has no words for them",
    "CPU is limited to what it asks for",
    ...(startup.httpGet === undefined ? ["no warm-up call: TrueFoundry probes by HTTP only"] : []),
    ...(delivery.strategy === "rolling" ? [] : ["a person promotes each new version"]),
    ...(evaluations.length === 0
      ? []
      : ["nothing asks for a signed evaluation: TrueFoundry's manifest has no container that runs first"]),
    ...(pool.capacity.some((rung) => rung === "reserved" || rung === "flex-start")
      ? [`the capacity ladder ${pool.capacity.join(", ")} becomes ${capacityType(pool.capacity)}`]
      : []),
    ...(config.cache.kind === "none" ? [] : [`no ${config.cache.kind} cache: each replica starts cold`]),
  ];
}

/**
 * A model as a service of TrueFoundry, for `tfy apply`. Each tenant's namespace is a workspace of the cluster.
 * @param cluster id of the cluster in TrueFoundry
 * @see https://www.truefoundry.com/docs/introduction-to-a-service
 * @throws ModelExportError when a quantity or a name has no equivalent
 */
export function exportToTrueFoundry(model: PlannedModel, cluster: string): ModelExport {
  const { config, pool, scaler, deployment } = model;
  const { name, tenant } = config;
  const { spec: pod } = deployment.spec.template;
  const [container] = pod.containers;
  const files = pod.volumes.filter(({ image }) => image !== undefined);
  if (!SERVICE_NAME.test(name))
    return leftOut(`TrueFoundry takes names of 3 to 32 letters, digits and single '-', not '${name}'`);
  if (pool.sharing.kind !== "none") return leftOut(`its GPUs are shared by ${pool.sharing.kind}`);
  if (files.some((volume) => volume.name !== "prebuilt-cache"))
    return leftOut(
      `it reads ${files.map((volume) => volume.name).join(", ")} from images, and TrueFoundry mounts none`,
    );
  const [{ containerPort: port }] = container.ports;
  const { requests, limits } = container.resources;
  const memory = megabytes(limits.memory);
  const storage = megabytes(requests["ephemeral-storage"]);
  const shared = pod.volumes.find((volume) => volume.name === "shm")?.emptyDir?.sizeLimit;
  const live = container.livenessProbe.httpGet?.path ?? "/health";
  const replicas = Math.max(1, scaler.spec.minReplicaCount);
  const file = `${name}.yaml`;
  const service = {
    type: "service",
    name,
    workspace_fqn: `${cluster}:${tenant}`,
    image: { type: "image", image_uri: container.image, command: commandOf(config, container) },
    ports: [{ port, protocol: "TCP", expose: false, app_protocol: "http" }],
    env: Object.fromEntries(
      container.env.flatMap((variable) => ("value" in variable ? [[variable.name, variable.value]] : [])),
    ),
    resources: {
      cpu_request: Number(requests.cpu),
      cpu_limit: Number(requests.cpu),
      memory_request: memory,
      memory_limit: memory,
      ephemeral_storage_request: storage,
      ephemeral_storage_limit: storage,
      ...(shared === undefined ? {} : { shared_memory_size: megabytes(shared) }),
      node: { type: "node_selector", capacity_type: capacityType(pool.capacity) },
      devices: [
        {
          type: "nvidia_gpu",
          name: GPU_NAMES[pool.accelerator],
          count: Number(limits["nvidia.com/gpu"]),
        },
      ],
    },
    replicas,
    rollout_strategy: rollout(config),
    startup_probe: probe(container.startupProbe, port, live),
    readiness_probe: probe(container.readinessProbe, port, live),
    liveness_probe: probe(container.livenessProbe, port, live),
    service_account: pod.serviceAccountName,
    labels: deployment.spec.template.metadata.labels,
  };
  return {
    files: [{ name: file, documents: [service] }],
    commands: [`tfy apply -f ${file}`],
    lost: lostOf(model, container, replicas),
  };
}
