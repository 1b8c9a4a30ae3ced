import type { IBlueGreenStrategy } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/BlueGreenStrategy";
import type { ICanaryStrategy } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/CanaryStrategy";
import type { IRollout } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/Rollout";
import type { IRolloutAnalysis } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/RolloutAnalysis";
import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { watchTemplate, type WatchArgs } from "./analysis.ts";
import { evaluationsOf, gateTemplate, reportName, validateGates, type ServedGate } from "./gate.ts";
import { COLD_START_SECONDS } from "../serving/cold-start.ts";
import { UNAWAITED } from "../unawaited.ts";
import { podBudget, SHORTEST_WATCH_MINUTES, type Canary, type Progressive } from "./strategy.ts";

/** A delivery by Argo Rollouts of the pods that a Deployment describes. */
export interface ModelRolloutArgs extends WatchArgs {
  readonly delivery: Progressive;
  /** Seconds a replica needs from leaving the endpoints to its end. */
  readonly drainSeconds: number;
  /** Gates of the model and of its adapters; empty where the environment does not ask for signed evaluations. */
  readonly gates: readonly ServedGate[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Least seconds until every gateway sends to the new replicas: a name server's cache may keep addresses for 30 s, the gateway looks every 2 s. */
const PROPAGATION_SECONDS = 35;

/**
 * Seconds the replicas of an aborted version outlive the switch back. As long as they are there, Argo Rollouts 1.9.1 puts that
 * version into service without gate and watch when it is tried or merged again, so they leave at once; each serves on through its
 * own preStop and drain.
 * @see https://github.com/argoproj/argo-rollouts/blob/v1.9.1/rollout/bluegreen.go#L113
 */
const ABORTED_SECONDS = 1;

/**
 * Earlier versions are in Git. Argo Rollouts 1.9.1 never ends a delivery without room while an aborted version's ReplicaSet is kept.
 * @see https://github.com/argoproj/argo-rollouts/blob/v1.9.1/rollout/sync.go#L575
 */
const KEPT_VERSIONS = 0;

/** Name of the Service in front of replicas that have no traffic yet. */
export function previewName(model: string): string {
  return `${model}-preview`;
}

/** Minutes a new version is watched in all. */
function watchedMinutes(delivery: Progressive): number {
  return delivery.strategy === "blue-green"
    ? delivery.soakMinutes
    : delivery.steps.reduce((sum, { minutes }) => sum + minutes, 0);
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateModelRolloutArgs({ delivery, gates }: ModelRolloutArgs): void {
  if (delivery.strategy === "canary") {
    const weights = delivery.steps.map(({ weight }) => weight);
    const unordered = weights.findIndex((weight, at) => at > 0 && weight <= (weights[at - 1] ?? 0));
    if (unordered >= 0)
      refuse(
        `delivery.steps[${unordered}].weight`,
        `${weights[unordered] ?? 0} is not above the step before`,
      );
    const minutes = delivery.steps[0]?.minutes ?? 0;
    if (minutes < SHORTEST_WATCH_MINUTES)
      refuse(
        "delivery.steps[0].minutes",
        `${minutes} min end before the watch can abort: ${SHORTEST_WATCH_MINUTES}`,
      );
  }
  validateGates(gates);
}

const NEW_PODS = { name: "hash", valueFrom: { podTemplateHashValue: "Latest" } } as const;

function watch(model: string): IRolloutAnalysis {
  return { templates: [{ templateName: `${model}-watch` }], args: [NEW_PODS] };
}

function gateAnalysis({ model, gates }: ModelRolloutArgs): IRolloutAnalysis | undefined {
  return gates.length === 0 ? undefined : { templates: [{ templateName: `${model}-gate` }] };
}

/** The old colour is the stable one until the watch has passed, so that an abort only switches a Service back; it is drained after that. */
function blueGreen(args: ModelRolloutArgs): IBlueGreenStrategy {
  const gate = gateAnalysis(args);
  return {
    activeService: args.model,
    previewService: previewName(args.model),
    // No previewReplicaCount: after an abort of the watch, Argo Rollouts 1.9.1 never asks the gate of the next version with it.
    autoPromotionEnabled: true,
    ...(gate === undefined ? {} : { prePromotionAnalysis: gate }),
    postPromotionAnalysis: watch(args.model),
    scaleDownDelaySeconds: Math.max(PROPAGATION_SECONDS, args.drainSeconds),
    abortScaleDownDelaySeconds: ABORTED_SECONDS,
  };
}

/** The gate stands before the first share, so no replica of an unevaluated version is started. */
function canary(args: ModelRolloutArgs, { steps, surge }: Canary): ICanaryStrategy {
  const gate = gateAnalysis(args);
  return {
    ...podBudget(surge),
    steps: [
      ...(gate === undefined ? [] : [{ setWeight: 0 }, { analysis: gate }]),
      ...steps.flatMap(({ weight, minutes }) => [
        { setWeight: weight },
        { pause: { duration: `${minutes}m` } },
      ]),
    ],
    analysis: { ...watch(args.model), startingStep: gate === undefined ? 1 : 3 },
  };
}

/** Rollout of a model; pods, their security and their resources stay in the Deployment it refers to. */
export function rolloutOf(args: ModelRolloutArgs): IRollout {
  const { model, namespace, delivery, gates, labels } = args;
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: {
      name: model,
      namespace,
      labels: { ...labels, "llmops.io/model": model },
      ...(gates.length === 0 ? {} : { annotations: evaluationsOf(gates) }),
    },
    spec: {
      // The autoscaler owns the number of replicas.
      workloadRef: { apiVersion: "apps/v1", kind: "Deployment", name: model },
      selector: { matchLabels: { "llmops.io/model": model } },
      revisionHistoryLimit: KEPT_VERSIONS,
      progressDeadlineSeconds: COLD_START_SECONDS,
      progressDeadlineAbort: true,
      strategy:
        delivery.strategy === "blue-green"
          ? { blueGreen: blueGreen(args) }
          : { canary: canary(args, delivery) },
    },
  };
}

/** Delivers a model's new versions: gate, warm-up, watch, abort; the old replicas outlive the switch. */
export class ModelRollout extends LlmopsComponent {
  readonly rollout: k8s.apiextensions.CustomResource;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: ModelRolloutArgs, opts: ComponentOptions) {
    validateModelRolloutArgs(args);
    super("delivery", "ModelRollout", name, opts);
    const { model, namespace, delivery, gates, labels } = args;
    const metadata = (objectName: string): k8s.types.input.meta.v1.ObjectMeta => ({
      name: objectName,
      namespace,
      labels: { ...labels, "llmops.io/model": model },
    });
    if (delivery.strategy === "blue-green")
      new k8s.core.v1.Service(
        this.childName("preview"),
        {
          // Its pods come with the Deployment, which waits for this; between two deliveries there may be none.
          metadata: { ...metadata(previewName(model)), annotations: UNAWAITED },
          spec: {
            selector: { "llmops.io/model": model },
            ports: [{ name: "http", port: 80, targetPort: "http" }],
          },
        },
        // The controller adds the hash of the colour to the selector.
        { parent: this, ignoreChanges: ["spec.selector"] },
      );
    const templates = [
      new k8s.apiextensions.CustomResource(
        this.childName("watch"),
        {
          apiVersion: "argoproj.io/v1alpha1",
          kind: "AnalysisTemplate",
          metadata: metadata(`${model}-watch`),
          spec: watchTemplate(args, watchedMinutes(delivery)),
        },
        { parent: this },
      ),
      ...(gates.length === 0
        ? []
        : [
            new k8s.apiextensions.CustomResource(
              this.childName("gate"),
              {
                apiVersion: "argoproj.io/v1alpha1",
                kind: "AnalysisTemplate",
                metadata: metadata(`${model}-gate`),
                spec: gateTemplate(gates),
              },
              { parent: this },
            ),
          ]),
      ...gates.flatMap(({ model: served, report }) =>
        report === undefined
          ? []
          : [
              new k8s.core.v1.ConfigMap(
                this.childName(served === model ? "report" : `report-${served}`),
                { metadata: metadata(reportName(served)), data: { "report.json": report } },
                { parent: this },
              ),
            ],
      ),
    ];
    const { metadata: rolloutMetadata, spec } = rolloutOf(args);
    this.rollout = new k8s.apiextensions.CustomResource(
      this.childName("rollout"),
      {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Rollout",
        ...(rolloutMetadata === undefined ? {} : { metadata: rolloutMetadata }),
        spec,
      },
      { parent: this, dependsOn: templates },
    );
    this.registerOutputs({ model });
  }
}
