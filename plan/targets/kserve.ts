import { lostDelivery, type ModelExport } from "./model-export.ts";
import { scalerOn, signedReports, type PlannedModel } from "./planned-model.ts";

/** Name KServe gives a container it runs as it is. */
const CONTAINER = "kserve-container";

/**
 * A model as KServe runs it: in `Standard` mode, which makes a plain Deployment of the engine's pod, with the autoscaler left to the model's
 * own ScaledObject. Service, network policy, disruption budget and monitor select pods by label and stay as they are.
 * @see https://kserve.github.io/website/docs/model-serving/predictive-inference/autoscaling/keda-autoscaler
 */
export function exportToKServe(model: PlannedModel): ModelExport {
  const { config, deployment } = model;
  const { metadata } = deployment;
  const { metadata: podMetadata, spec: pod } = deployment.spec.template;
  const file = `${config.name}.yaml`;
  const service = {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "external",
      },
    },
    spec: {
      predictor: {
        ...podMetadata,
        ...pod,
        containers: pod.containers.map((container) =>
          container.name === "engine" ? { ...container, name: CONTAINER } : container,
        ),
      },
    },
  };
  return {
    files: [
      {
        name: file,
        documents: [...signedReports(model), service, scalerOn(`${config.name}-predictor`, model)],
      },
    ],
    commands: [`kubectl apply -f ${file}`],
    lost: lostDelivery(model),
  };
}
