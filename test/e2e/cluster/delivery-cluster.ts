import { GPU_POOL_LABEL } from "../../../components/gpu/gpu-pool.ts";
import { SYSTEM_NODE_LABEL } from "../../../components/cluster/handle.ts";
import { define, startApiServer, type ApiServer } from "./api-server.ts";
import { startArgoRollouts } from "./argo-rollouts.ts";
import { startControllers, startScheduler } from "./control-plane.ts";
import { definitionsFrom } from "./custom-resources.ts";
import type { DeliveredModel } from "./delivered-model.ts";
import { startKeda } from "./keda.ts";
import { addNode, gpuNode, startKubelets } from "./nodes.ts";
import { PlayedPods, runLoops } from "./played-pods.ts";
import { startPrometheus, type Prometheus } from "./prometheus.ts";

/** Milliseconds between two scrapes; a watch looks back five seconds. */
const SCRAPE_MS = 500;

/** Kinds of the namespace of a model. */
const DEFINITIONS = {
  "github.com/kedacore/keda/v2": /\.yaml$/,
  "github.com/prometheus-operator/prometheus-operator": /_podmonitors\.yaml$/,
  "github.com/argoproj/argo-rollouts": /-crd\.yaml$/,
};

/** Real Kubernetes, Prometheus and Argo Rollouts. */
export interface DeliveryCluster {
  readonly api: ApiServer;
  readonly prometheus: Prometheus;
  /** Runs the gates of a model's deliveries from now on: the real program of the image. */
  gates(model: DeliveredModel): PlayedPods;
  close(): Promise<void>;
}

/** What a delivery meets. */
export interface DeliveryClusterArgs {
  /** GPU pool of the model. */
  readonly pool: string;
  /** GPUs of the pool's only node. */
  readonly gpus: number;
  /** Who decides about replicas. */
  readonly scaling: "keda" | "by-hand";
}

/**
 * Starts everything.
 * @throws Error when a part does not become ready; what was started is stopped
 */
export async function startDeliveryCluster({
  pool,
  gpus,
  scaling,
}: DeliveryClusterArgs): Promise<DeliveryCluster> {
  const api = await startApiServer();
  const played: PlayedPods[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(played.map((pods) => pods.close()));
    await api.close();
  };
  try {
    await Promise.all([
      startControllers(api, { autoscalerSyncMs: 2_000, nodeGraceSeconds: 600 }),
      startScheduler(api),
      startKubelets(api, { podStartMs: 1_000, played: ["Job"] }),
      define(api, definitionsFrom(DEFINITIONS)),
    ]);
    const size = { cpus: 512, memoryGiB: 4_096 };
    const labels = { [GPU_POOL_LABEL]: pool, "cloud.google.com/compute-class": pool };
    await addNode(api, gpuNode({ name: "gpu", labels, gpus, ...size }));
    const system = gpuNode({ name: "system", labels: SYSTEM_NODE_LABEL, gpus: 0, ...size });
    await addNode(api, { ...system, spec: {} });
    await api.mustApply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "argo-rollouts" } });
    const [prometheus] = await Promise.all([
      startPrometheus(api.processes, api.folder, SCRAPE_MS),
      startArgoRollouts(api),
      ...(scaling === "keda" ? [startKeda(api)] : []),
    ]);
    return {
      api,
      prometheus,
      gates: (model) => {
        const pods = PlayedPods.follow(api, model.namespace, ["Job"], (container) =>
          runLoops(api, container),
        );
        played.push(pods);
        return pods;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
