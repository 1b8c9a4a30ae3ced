import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { isRecord, isSecret, isUnknown, type GraphValue } from "../graph/values.ts";

/** What one model consists of in a planned stack, as Kubernetes objects. */
export interface PlannedModel {
  /** The engine's `apps/v1` Deployment. */
  readonly deployment: GraphObject;
  /** The model's ScaledObject. */
  readonly scaler: GraphObject;
  /** How a new version gets its traffic. */
  readonly delivery: PlatformConfig["models"][number]["delivery"]["strategy"];
}

/** A Kubernetes object of a planned stack. */
export type GraphObject = Readonly<Record<string, GraphValue>>;

/** A model for a cluster that runs KServe. */
export interface KServeExport {
  /** `serving.kserve.io/v1beta1` InferenceService around the engine's own pod. */
  readonly inferenceService: object;
  /** The model's ScaledObject on the Deployment that KServe makes. */
  readonly scaler: object;
  /** What KServe does not do that the blueprint does. */
  readonly lost: readonly string[];
}

/** A value cannot be exported. */
export class KServeExportError extends Error {
  override readonly name = "KServeExportError";
}

/** Name KServe gives a container it runs as it is. */
const CONTAINER = "kserve-container";

function part(object: GraphObject, key: string): GraphObject {
  const value = object[key];
  return isRecord(value) ? value : {};
}

function refuseUnknown(value: GraphValue | undefined, path: string): void {
  if (isUnknown(value) || isSecret(value))
    throw new KServeExportError(
      `${path} is ${isSecret(value) ? "a secret" : "known after deployment only"}; it cannot be exported`,
    );
  if (Array.isArray(value))
    (value as readonly GraphValue[]).forEach((item, index) => {
      refuseUnknown(item, `${path}[${index}]`);
    });
  else if (isRecord(value))
    for (const [key, item] of Object.entries(value)) refuseUnknown(item, `${path}.${key}`);
}

function lostBy(delivery: PlannedModel["delivery"]): string[] {
  if (delivery === "rolling") return [];
  return [
    `no ${delivery} delivery: KServe replaces pods one by one, and nothing asks for a signed evaluation first`,
  ];
}

/**
 * A model as KServe runs it: in `Standard` mode, which makes a plain Deployment of the engine's pod, with the autoscaler left to the model's
 * own ScaledObject. Service, network policy, disruption budget and monitor select pods by label and stay as they are.
 * @see https://kserve.github.io/website/docs/model-serving/predictive-inference/autoscaling/keda-autoscaler
 * @throws KServeExportError when part of the pod is secret or unknown before deployment
 */
export function exportKServe({ deployment, scaler, delivery }: PlannedModel): KServeExport {
  const metadata = part(deployment, "metadata");
  const name = typeof metadata["name"] === "string" ? metadata["name"] : "";
  refuseUnknown(deployment, `Deployment ${name}`);
  refuseUnknown(scaler, `ScaledObject ${name}`);
  const template = part(part(deployment, "spec"), "template");
  const pod = part(template, "spec");
  const containers = (pod["containers"] ?? []) as readonly GraphObject[];
  const spec = part(scaler, "spec");
  return {
    inferenceService: {
      apiVersion: "serving.kserve.io/v1beta1",
      kind: "InferenceService",
      metadata: {
        ...metadata,
        annotations: {
          ...part(metadata, "annotations"),
          "serving.kserve.io/deploymentMode": "Standard",
          "serving.kserve.io/autoscalerClass": "external",
        },
      },
      spec: {
        predictor: {
          labels: part(part(template, "metadata"), "labels"),
          ...pod,
          containers: containers.map((container) =>
            container["name"] === "engine" ? { ...container, name: CONTAINER } : container,
          ),
        },
      },
    },
    scaler: {
      ...scaler,
      spec: {
        ...spec,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: `${name}-predictor` },
      },
    },
    lost: lostBy(delivery),
  };
}
