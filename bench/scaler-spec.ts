import type { CapacityFigures } from "../capacity/sizing.ts";
import { ModelScaler } from "../components/autoscaling/model-scaler.ts";
import type { Schedule } from "../components/autoscaling/schedule.ts";
import { ofType } from "../graph/graph.ts";
import { isRecord } from "../graph/values.ts";
import { capture } from "../plan/capture.ts";
import { fleetNames } from "../simulation/experiment.ts";

/** Names under which the benches' series stand. */
export const NAMES = fleetNames("model", "tenant");

/** What the scaler of a bench is told. */
export interface BenchScaler {
  readonly capacity: CapacityFigures;
  /** Most sequences in one batch. */
  readonly maxNumSeqs: number;
  readonly minReplicas: number;
  /** @default no floor by the clock */
  readonly schedule?: Schedule | undefined;
}

/** The `spec` of the ScaledObject the real component sends to the cluster. */
export async function scalerSpec({
  capacity,
  maxNumSeqs,
  minReplicas,
  schedule,
}: BenchScaler): Promise<Record<string, unknown>> {
  const graph = await capture({
    stack: "bench",
    program: () =>
      new ModelScaler(
        "scaler",
        {
          model: NAMES.model,
          namespace: NAMES.namespace,
          engine: { kind: "vllm", image: `engine@sha256:${"a".repeat(64)}`, maxModelLen: 8192, maxNumSeqs },
          minReplicas,
          maxReplicas: 100,
          queueDepthThreshold: 5,
          capacity,
          ...(schedule === undefined ? {} : { schedule }),
          labels: {},
        },
        {},
      ),
  });
  const spec = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject")[0]?.inputs["spec"];
  if (!isRecord(spec)) throw new Error("the component has no ScaledObject");
  return { ...spec };
}
