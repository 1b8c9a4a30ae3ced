import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { isSecret, isUnknown, pathsWhere, valueAt, type GraphValue } from "../../graph/values.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";

/** A model of a stack file. */
export type ModelConfig = PlatformConfig["models"][number];

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A probe as our own component writes it. */
export interface Probe {
  readonly httpGet?: { readonly path: string };
  readonly periodSeconds: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold: number;
}

/** The engine's container as our own component writes it. */
export interface EngineContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly (
    { readonly name: string; readonly value: string } | { readonly name: string; readonly valueFrom: object }
  )[];
  readonly ports: readonly [{ readonly containerPort: number }];
  readonly resources: {
    readonly requests: {
      readonly cpu: string;
      readonly memory: string;
      readonly "ephemeral-storage": string;
    };
    readonly limits: { readonly memory: string; readonly "nvidia.com/gpu": string };
  };
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

/** The engine's pod as our own component writes it. */
export interface EnginePodSpec {
  readonly serviceAccountName: string;
  readonly initContainers?: readonly object[];
  readonly containers: readonly [EngineContainer, ...EngineContainer[]];
  readonly volumes: readonly {
    readonly name: string;
    readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string };
    readonly persistentVolumeClaim?: object;
    readonly configMap?: { readonly name: string };
    readonly image?: object;
  }[];
}

/** The engine's Deployment as our own component writes it. */
export interface EngineDeployment {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: {
    readonly progressDeadlineSeconds: number;
    readonly template: {
      readonly metadata: Pick<Metadata, "labels" | "annotations">;
      readonly spec: EnginePodSpec;
    };
  };
}

interface Trigger {
  readonly metadata: Readonly<Record<string, string>>;
}

/** The model's ScaledObject as our own component writes it. */
export interface ModelScaledObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: {
    readonly minReplicaCount: number;
    readonly maxReplicaCount: number;
    readonly triggers: readonly Trigger[];
  };
}

/** What one model consists of in a planned stack; nothing of it is secret or unknown. */
export interface PlannedModel {
  readonly config: ModelConfig;
  /** GPUs it runs on. */
  readonly pool: PlatformConfig["gpuPools"][number];
  readonly deployment: EngineDeployment;
  readonly scaler: ModelScaledObject;
  /** Signed evaluations its pods start behind: a report in the plan, or a name the pods wait for. */
  readonly evaluations: readonly (
    { readonly kind: "signed"; readonly map: object } | { readonly kind: "missing"; readonly name: string }
  )[];
}

/** A value cannot be exported. */
export class ModelExportError extends Error {
  override readonly name = "ModelExportError";
}

/** An object of the graph, of which everything is known. @throws ModelExportError */
function knownObject(
  graph: ResourceGraph,
  kind: string,
  type: string,
  { name, tenant }: Pick<ModelConfig, "name" | "tenant">,
): unknown {
  const inputs = ofType(graph, type).find(
    (node) =>
      valueAt(node.inputs, "metadata.name") === name && valueAt(node.inputs, "metadata.namespace") === tenant,
  )?.inputs;
  if (inputs === undefined) throw new ModelExportError(`the plan has no ${kind} ${name} in ${tenant}`);
  const refuse = (test: (value: GraphValue) => boolean, why: string): void => {
    const [path] = pathsWhere(inputs, test);
    if (path !== undefined)
      throw new ModelExportError(`${kind} ${name}: ${path} is ${why}; it cannot be exported`);
  };
  refuse(isSecret, "a secret");
  refuse(isUnknown, "known after deployment only");
  return inputs;
}

/** The reports that gates of the pods read. */
function evaluationsOf(
  graph: ResourceGraph,
  { spec }: EngineDeployment,
  model: ModelConfig,
): PlannedModel["evaluations"] {
  const wanted = spec.template.spec.volumes.flatMap(({ configMap }) => configMap?.name ?? []);
  const type = "kubernetes:core/v1:ConfigMap";
  const planned = new Set(ofType(graph, type).map(({ inputs }) => valueAt(inputs, "metadata.name")));
  return wanted.map((name) =>
    planned.has(name)
      ? { kind: "signed", map: knownObject(graph, "ConfigMap", type, { ...model, name }) as object }
      : { kind: "missing", name },
  );
}

/**
 * A model as it is planned; undefined where a replica is several pods, which no other platform's object stands for.
 * @throws ModelExportError when part of it is secret, unknown before deployment, or not in the plan
 */
export function plannedModel(
  graph: ResourceGraph,
  { gpuPools }: Pick<PlatformConfig, "gpuPools">,
  config: ModelConfig,
): PlannedModel | undefined {
  if (config.gpu.nodes > 1) return undefined;
  const pool = gpuPools.find(({ name }) => name === config.gpu.pool);
  if (pool === undefined)
    throw new ModelExportError(`models[${config.name}].gpu.pool: there is no pool '${config.gpu.pool}'`);
  // Both are of our own components, so their shape is known.
  const deployment = knownObject(
    graph,
    "Deployment",
    "kubernetes:apps/v1:Deployment",
    config,
  ) as EngineDeployment;
  return {
    config,
    pool,
    deployment,
    scaler: knownObject(
      graph,
      "ScaledObject",
      "kubernetes:keda.sh/v1alpha1:ScaledObject",
      config,
    ) as ModelScaledObject,
    evaluations: evaluationsOf(graph, deployment, config),
  };
}

/** The signed reports the pods of a model read. */
export function signedReports({ evaluations }: PlannedModel): object[] {
  return evaluations.flatMap((each) => (each.kind === "signed" ? [each.map] : []));
}

/**
 * The model's own scaler on a Deployment of another name: what it sets the replicas of, and whose pods its queries count.
 * @param deployment name of the Deployment
 */
export function scalerOn(deployment: string, { config: { name }, scaler }: PlannedModel): object {
  return {
    ...scaler,
    spec: {
      ...scaler.spec,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
      triggers: scaler.spec.triggers.map((trigger) => ({
        ...trigger,
        metadata: Object.fromEntries(
          Object.entries(trigger.metadata).map(([key, value]) => [
            key,
            value.replaceAll(`pod=~"${name}-[`, `pod=~"${deployment}-[`),
          ]),
        ),
      })),
    },
  };
}
