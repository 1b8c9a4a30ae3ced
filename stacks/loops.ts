import type { ClusterHandle } from "../components/cluster/handle.ts";
import type { TrackingServer } from "../components/evaluation/tracking-server.ts";
import { ACCOUNT_FOLDER, LOOPS_NAMESPACE } from "../components/loops/address.ts";
import { Loops, LOOPS_PATHS, LOOPS_PORT, type LoopsArgs } from "../components/loops/loops.ts";
import { PROMETHEUS_URL } from "../components/observability/monitoring.ts";
import { checkLoopsConfig, type LoopsConfigInput } from "../loops/src/config.ts";
import { nodeSelectorOf, type PoolConfig } from "./clouds/gpu-pools.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { mlflowClient } from "./mlflow-client.ts";
import type { PlatformConfig } from "./schema/platform.ts";

type Automation = Extract<PlatformConfig["loops"]["automation"], { readonly kind: "on" }>;

const COMPLETED = 'llmops_gateway_requests_total{namespace="llm-gateway",model="$model",result="completed"}';

/** How many answers an alert of each loop rests on; `$model` stands for the model. */
export const LOOP_SAMPLES = {
  rollback: `sum(increase(${COMPLETED}[1h]))`,
  retrain: `sum(increase(${COMPLETED}[1d]))`,
} as const;

type LoopModels = LoopsArgs["models"];

/** Models a loop may touch: going back from one that is not delivered in steps is a change in Git. */
function modelsOf({ models }: PlatformConfig, loop: keyof typeof LOOP_SAMPLES): LoopModels {
  return models
    .filter(({ delivery }) => loop === "retrain" || delivery.strategy !== "rolling")
    .map(({ name, tenant }) => ({ name, namespace: tenant }));
}

function retrainingPool({ gpuPools }: PlatformConfig, name: string): PoolConfig {
  const pool = gpuPools.find((candidate) => candidate.name === name);
  if (pool === undefined) throw new RangeError(`loops.automation.retrain.pool: '${name}' is no pool`);
  return pool;
}

function configuration(config: PlatformConfig, automation: Automation): LoopsConfigInput {
  const { retrain, rollback } = automation;
  const rule = (
    template: keyof typeof LOOP_SAMPLES,
    { minSamples, cooldownMinutes }: { minSamples: number; cooldownMinutes: number },
  ): NonNullable<LoopsConfigInput["loops"]["rollback"]> => ({
    template,
    models: [...modelsOf(config, template)],
    samplesQuery: LOOP_SAMPLES[template],
    minSamples,
    cooldownMinutes,
  });
  return {
    port: LOOPS_PORT,
    mode: automation.mode,
    tokenFile: `${LOOPS_PATHS.keys}/token/token`,
    evidence: { file: LOOPS_PATHS.evidence, keyFile: `${LOOPS_PATHS.keys}/key/signing.pem` },
    prometheusUrl: PROMETHEUS_URL,
    kubernetes: {
      url: "https://kubernetes.default.svc",
      tokenFile: `${ACCOUNT_FOLDER}/token`,
      namespace: LOOPS_NAMESPACE,
    },
    loops: {
      ...(retrain === undefined ? {} : { retrain: rule("retrain", retrain) }),
      ...(rollback === undefined ? {} : { rollback: rule("rollback", rollback) }),
    },
  };
}

/**
 * The controller of the loops and their workflows; nothing where loops are off.
 * @throws RangeError when the configuration names no image or a pool it does not have; the checks refuse both before
 */
export function deployLoops(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  {
    monitoring,
    tracking,
  }: Pick<ClusterServices, "monitoring"> & { readonly tracking: TrackingServer | undefined },
): void {
  const { automation, image } = config.loops;
  if (automation.kind === "off") return;
  if (image === undefined) throw new RangeError("loops.image is missing");
  const { executorImage, retrain, rollback, proposals } = automation;
  new Loops(
    `${name}-loops`,
    {
      image,
      executorImage,
      configuration: JSON.stringify(checkLoopsConfig(configuration(config, automation)), null, 2),
      ...(retrain === undefined
        ? {}
        : {
            retrain: {
              image,
              proposals,
              approval: retrain.approval,
              trainingImage: retrain.image,
              command: retrain.command,
              gpus: retrain.gpus,
              nodeSelector: nodeSelectorOf(retrainingPool(config, retrain.pool)),
              volumeGiB: retrain.volumeGiB,
              mlflow: mlflowClient(retrain.mlflowUrl, tracking),
            },
          }),
      ...(rollback === undefined ? {} : { rollback: { image, proposals, approval: rollback.approval } }),
      models: modelsOf(config, "rollback"),
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: monitoring.chart },
  );
}
