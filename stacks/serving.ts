import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { HelmAddon } from "../components/addon/helm-addon.ts";
import { ModelScaler } from "../components/autoscaling/model-scaler.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { instanceFor, instanceGpus } from "../components/gpu/accelerators.ts";
import { GPU_POOL_LABEL } from "../components/gpu/gpu-pool.ts";
import { Monitoring } from "../components/observability/monitoring.ts";
import { ModelService, type ReplicaResources } from "../components/serving/model-service.ts";
import type { Tenant } from "../components/tenancy/tenant.ts";
import type { PlatformConfig } from "./schema/platform.ts";

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

function nodeSelectorOf(pool: Pool): Record<string, string> {
  return pool.provisioner === "compute-class"
    ? { "cloud.google.com/compute-class": pool.name }
    : { [GPU_POOL_LABEL]: pool.name };
}

/** Engines with a floor: no gateway on the cluster could wake them from zero yet. */
function floorOf(model: Model): number {
  const { minReplicas } = model.autoscaling;
  if (minReplicas === 0)
    void pulumi.log.warn(
      `models '${model.name}': minReplicas 0 is raised to 1 until the gateway that wakes it is part of the stack`,
    );
  return Math.max(1, minReplicas);
}

/** Prometheus, KEDA, and every model of the configuration with its scaler. */
export function serving(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  tenants: readonly Tenant[],
): void {
  if (config.models.length === 0) return;
  const providers = { kubernetes: cluster.provider };
  const monitoring = new Monitoring(
    `${name}-monitoring`,
    { retentionDays: config.observability.metricsRetentionDays },
    { providers },
  );
  const kedaNamespace = new k8s.core.v1.Namespace(
    `${name}-keda-namespace`,
    { metadata: { name: "keda", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    { provider: cluster.provider },
  );
  const keda = new HelmAddon(
    `${name}-keda`,
    { chart: "keda", namespace: "keda" },
    { providers, dependsOn: kedaNamespace },
  );
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
    const share = shareOf(config, pool, model);
    const floor = floorOf(model);
    const service = new ModelService(
      `${name}-model-${model.name}`,
      {
        model: model.name,
        namespace: model.tenant,
        engine: model.engine,
        source: model.source,
        tensorParallel: model.gpu.tensorParallel,
        weightsGiB: (model.architecture.parametersBillion * 1e9 * model.architecture.bytesPerParameter) / GIB,
        nodeSelector: nodeSelectorOf(pool),
        ...(share === undefined ? {} : { share }),
        termination: model.delivery,
        labels,
      },
      { providers, dependsOn: [tenant, monitoring.chart] },
    );
    new ModelScaler(
      `${name}-scaler-${model.name}`,
      {
        model: model.name,
        namespace: model.tenant,
        engine: model.engine,
        minReplicas: floor,
        maxReplicas: model.autoscaling.maxReplicas,
        queueDepthThreshold: model.autoscaling.queueDepthThreshold,
        labels,
      },
      { providers, dependsOn: [service.deployment, keda] },
    );
  }
}
