import * as k8s from "@pulumi/kubernetes";
import { HelmAddon } from "../components/addon/helm-addon.ts";
import type { AuditDestination } from "../components/audit/destination.ts";
import { ModelScaler } from "../components/autoscaling/model-scaler.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { instanceFor, instanceGpus } from "../components/gpu/accelerators.ts";
import { ModelService } from "../components/serving/model-service.ts";
import type { ReplicaCache } from "../components/serving/cache.ts";
import { ENGINE_USER } from "../components/serving/engine.ts";
import type { ModelServiceArgs } from "../components/serving/model-service-args.ts";
import { replicaResources, type ReplicaResources } from "../components/serving/resources.ts";
import { WarmCapacity, warmPriorityClass } from "../components/serving/warm-capacity.ts";
import { storedObjects, type BucketReader } from "../components/storage/bucket-reader.ts";
import type { SharedFiles } from "../components/storage/shared-files.ts";
import type { Tenant } from "../components/tenancy/tenant.ts";
import type { CloudServices } from "./clouds/environment.ts";
import { nodeSelectorOf } from "./clouds/gpu-pools.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { deliver, gatesOf, rolloutsController } from "./delivery.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { engineSpans } from "./telemetry.ts";

type Model = PlatformConfig["models"][number];
type Pool = PlatformConfig["gpuPools"][number];

const GIB = 2 ** 30;

/** Cores kept for the kubelet and daemons of a node, and the share of its memory a model may use. */
const NODE_RESERVE = { cpus: 1, memoryShare: 0.8 } as const;

/** What one replica gets of a node of the pool; undefined on clusters whose machines are unknown. */
function shareOf(config: PlatformConfig, pool: Pool, model: Model): ReplicaResources | undefined {
  const { provider } = config.cloud;
  if (provider !== "aws" && provider !== "gcp") return undefined;
  const type = pool.instanceType ?? instanceFor(provider, pool.accelerator, pool.gpusPerNode);
  const machine = type === undefined ? undefined : instanceGpus(provider, type);
  if (machine === undefined) return undefined;
  const share = model.gpu.tensorParallel / machine.gpus;
  return {
    cpus: Math.floor((machine.vcpus - NODE_RESERVE.cpus) * share),
    memoryGiB: Math.floor(machine.memoryGiB * NODE_RESERVE.memoryShare * share),
  };
}

/** GPUs, weights and share of a node of one replica. */
function sizeOf(
  config: PlatformConfig,
  pool: Pool,
  model: Model,
): Pick<ModelServiceArgs, "tensorParallel" | "nodes" | "weightsGiB" | "share"> {
  const { gpu, architecture } = model;
  const share = shareOf(config, pool, model);
  return {
    tensorParallel: gpu.tensorParallel,
    nodes: gpu.nodes,
    weightsGiB: (architecture.parametersBillion * 1e9 * architecture.bytesPerParameter) / GIB,
    ...(share === undefined ? {} : { share }),
  };
}

/** The controller of replicas over several nodes, where a model has one. */
function leaderWorkerSets(name: string, config: PlatformConfig, cluster: ClusterHandle): HelmAddon[] {
  if (config.models.every(({ gpu }) => gpu.nodes === 1)) return [];
  const namespace = new k8s.core.v1.Namespace(
    `${name}-lws-namespace`,
    { metadata: { name: "lws-system", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    { provider: cluster.provider },
  );
  return [
    new HelmAddon(
      `${name}-lws`,
      { chart: "lws", namespace: "lws-system" },
      { providers: { kubernetes: cluster.provider }, dependsOn: namespace },
    ),
  ];
}

/** What models are deployed onto. */
export interface ServingTarget extends ClusterServices {
  readonly cluster: ClusterHandle;
  readonly tenants: readonly Tenant[];
  readonly audit: AuditDestination;
  /** Absent on a cluster that somebody else created. */
  readonly services: CloudServices | undefined;
}

/** The cloud's shared files, where a model keeps something in them. */
function sharedFiles(
  { models }: PlatformConfig,
  services: CloudServices | undefined,
): SharedFiles | undefined {
  return models.some(({ cache }) => cache.kind === "shared")
    ? services?.sharedFiles({ owner: ENGINE_USER })
    : undefined;
}

/** Where a model's replicas keep what they share: in the stack's own class, or in the one that an existing cluster has. */
function cacheOf({ name, cache }: Model, files: SharedFiles | undefined): ReplicaCache {
  if (cache.kind !== "shared") return cache;
  const storageClass = files?.storageClass ?? cache.storageClass;
  if (storageClass === undefined)
    throw new RangeError(`models '${name}': no class has volumes for its cache`);
  return { ...cache, storageClass };
}

/** Identity of a model at the bucket of its weights; undefined where it needs none, or where the cluster is somebody else's. */
function weightsReader(
  { name, tenant, source }: Model,
  services: CloudServices | undefined,
): BucketReader | undefined {
  if (source.kind !== "s3" && source.kind !== "gs") return undefined;
  return services?.bucketReader({
    name: `weights-${name}`,
    namespace: tenant,
    serviceAccount: name,
    ...storedObjects(source.uri),
  });
}

/** Every model of the configuration with its scaler. */
export function serving(name: string, config: PlatformConfig, target: ServingTarget): void {
  const { cluster, tenants, audit, services, monitoring, keda } = target;
  const rollouts = rolloutsController(name, config, cluster);
  const providers = { kubernetes: cluster.provider };
  const groups = leaderWorkerSets(name, config, cluster);
  const files = sharedFiles(config, services);
  const warm = config.models.some(({ autoscaling }) => autoscaling.warmReplicas > 0)
    ? [warmPriorityClass(`${name}-warm-priority`, { provider: cluster.provider })]
    : [];
  for (const model of config.models) {
    const pool = config.gpuPools.find((candidate) => candidate.name === model.gpu.pool);
    const tenant = tenants.find((candidate) => candidate.namespaceName === model.tenant);
    if (pool === undefined || tenant === undefined)
      throw new RangeError(`models '${model.name}': its pool or tenant is not part of the configuration`);
    const labels = {
      "llmops.io/client": config.client,
      "llmops.io/environment": config.environment,
      "llmops.io/tenant": model.tenant,
    };
    const size = sizeOf(config, pool, model);
    const reader = weightsReader(model, services);
    const rollout =
      rollouts === undefined
        ? undefined
        : deliver(name, config, model, { cluster, audit, labels, after: [tenant, rollouts] });
    const service = new ModelService(
      `${name}-model-${model.name}`,
      {
        model: model.name,
        namespace: model.tenant,
        engine: model.engine,
        source: model.source,
        ...(reader === undefined ? {} : { identity: reader.identity }),
        cache: cacheOf(model, files),
        ...size,
        maxReplicas: model.autoscaling.maxReplicas,
        nodeSelector: nodeSelectorOf(pool),
        termination: model.delivery,
        delivery: model.delivery,
        // A delivery in steps asks before its pods start.
        gates: rollout === undefined ? gatesOf(config, model, audit) : [],
        spans: engineSpans(config),
        labels,
      },
      {
        providers,
        // The pods change last: the gate and watch of the version before would let a new one pass.
        dependsOn: [
          tenant,
          monitoring.chart,
          ...groups,
          ...(files?.ready ?? []),
          ...(reader?.ready ?? []),
          ...(rollout === undefined ? [] : [rollout]),
        ],
      },
    );
    if (model.autoscaling.warmReplicas > 0)
      new WarmCapacity(
        `${name}-warm-${model.name}`,
        {
          model: model.name,
          namespace: model.tenant,
          image: model.engine.image,
          // Each place is one pod; a replica over several nodes takes one on each.
          replicas: model.autoscaling.warmReplicas * model.gpu.nodes,
          gpus: model.gpu.tensorParallel,
          resources: replicaResources(size),
          nodeSelector: nodeSelectorOf(pool),
          labels,
        },
        { providers, dependsOn: [tenant, ...warm] },
      );
    new ModelScaler(
      `${name}-scaler-${model.name}`,
      {
        model: model.name,
        namespace: model.tenant,
        engine: model.engine,
        minReplicas: model.autoscaling.minReplicas,
        maxReplicas: model.autoscaling.maxReplicas,
        queueDepthThreshold: model.autoscaling.queueDepthThreshold,
        ...(model.autoscaling.capacity === undefined ? {} : { capacity: model.autoscaling.capacity }),
        ...(model.autoscaling.schedule === undefined ? {} : { schedule: model.autoscaling.schedule }),
        target: model.gpu.nodes > 1 ? "LeaderWorkerSet" : rollout === undefined ? "Deployment" : "Rollout",
        labels,
      },
      { providers, dependsOn: [service.workload, keda] },
    );
  }
}
