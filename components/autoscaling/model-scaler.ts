import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { PROMETHEUS_URL } from "../observability/monitoring.ts";
import { engineGauges } from "../serving/engine-metrics.ts";
import { adaptersOf, type Engine } from "../serving/engine.ts";
import { scheduleTriggers, type Schedule } from "./schedule.ts";
import type { ScalerTrigger } from "./trigger.ts";
import {
  demandQuery,
  engineLoadQuery,
  heldQuery,
  inFlightQuery,
  orAsleep,
  waitingQuery,
  type QueryScope,
  type ReplicaSpeed,
  type TokenRates,
} from "./queries.ts";

/** Kinds of objects whose replicas can be set. */
export type ScaleTarget = "Deployment" | "Rollout" | "LeaderWorkerSet";

const TARGETS: Readonly<Record<ScaleTarget, { readonly apiVersion?: string; readonly kind?: string }>> = {
  // KEDA's own default.
  Deployment: {},
  Rollout: { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" },
  LeaderWorkerSet: { apiVersion: "leaderworkerset.x-k8s.io/v1", kind: "LeaderWorkerSet" },
};

/** How one model scales. */
export interface ModelScalerArgs {
  readonly model: string;
  readonly namespace: string;
  readonly engine: Engine;
  /** Replicas at the quietest hour; from zero only calls the gateway holds wake it. */
  readonly minReplicas: number;
  /** Hard ceiling; KEDA's own default is 100. */
  readonly maxReplicas: number;
  /** Waiting requests per replica that add a replica. */
  readonly queueDepthThreshold: number;
  /** What one replica sustains; with it, offered load scales before a queue forms. */
  readonly capacity?: ReplicaCapacity;
  /** Floors by the clock; outside of them `minReplicas` holds. */
  readonly schedule?: Schedule;
  /** Kind of object whose replicas it sets. @default "Deployment" */
  readonly target?: ScaleTarget;
  readonly labels: Readonly<Record<string, string>>;
}

/** What one replica sustains within its SLO. */
export type ReplicaCapacity = TokenRates & ReplicaSpeed;

/**
 * In-flight requests per replica that add a replica, as a share of the largest batch. Uncalibrated: half of the batch leaves
 * room for the minutes a new replica needs; a known capacity replaces it.
 */
const IN_FLIGHT_SHARE = 0.5;

/** What is asked in replicas needs one for each. */
const ONE_EACH = 1;

/**
 * Ratio above 1 within which the HPA adds nothing; the cluster's own 0.1 would leave a fleet 10 % short.
 * @see https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#tolerance
 */
const UP_TOLERANCE = 0.02;

/** Seconds of quiet before replicas leave. */
const QUIET_SECONDS = 300;

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateModelScalerArgs(args: ModelScalerArgs): void {
  if (args.minReplicas < 0) refuse("minReplicas", `${args.minReplicas} is less than 0`);
  const { capacity, schedule } = args;
  for (const key of [
    "inputTokensPerSecond",
    "outputTokensPerSecond",
    "concurrency",
    "tokenMs",
    "idleTokenMs",
  ] as const)
    if (capacity !== undefined && !(capacity[key] > 0))
      refuse(`capacity.${key}`, `${capacity[key]} is not above 0`);
  if (capacity !== undefined && capacity.concurrency > args.engine.maxNumSeqs)
    refuse(
      "capacity.concurrency",
      `${capacity.concurrency} > maxNumSeqs ${args.engine.maxNumSeqs}: a replica could never run as many`,
    );
  if (capacity !== undefined && capacity.idleTokenMs > capacity.tokenMs)
    refuse(
      "capacity.idleTokenMs",
      `${capacity.idleTokenMs} > tokenMs ${capacity.tokenMs}: a full replica is not faster than one with a single request`,
    );
  schedule?.windows.forEach(({ replicas }, index) => {
    if (replicas > args.maxReplicas)
      refuse(`schedule.windows[${index}].replicas`, `${replicas} > maxReplicas ${args.maxReplicas}`);
  });
  if (args.maxReplicas < args.minReplicas)
    refuse("maxReplicas", `${args.maxReplicas} is less than minReplicas ${args.minReplicas}`);
  if (args.queueDepthThreshold > args.engine.maxNumSeqs)
    refuse(
      "queueDepthThreshold",
      `${args.queueDepthThreshold} > maxNumSeqs ${args.engine.maxNumSeqs}: more would wait than a replica can run`,
    );
  if (engineGauges(args.engine) === undefined && capacity === undefined)
    refuse("engine", "this engine exports no queue, so only offered load can scale it: give its capacity");
}

/** Scales a model on offered load, the load its engines show and queue depth through KEDA; keeps its replicas while metrics are away. */
export class ModelScaler extends LlmopsComponent {
  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: ModelScalerArgs, opts: ComponentOptions) {
    validateModelScalerArgs(args);
    super("autoscaling", "ModelScaler", name, opts);
    new k8s.apiextensions.CustomResource(this.childName("scaler"), scaledObject(args), { parent: this });
    this.registerOutputs({ model: args.model });
  }
}

const AVERAGE = { metricType: "AverageValue" } as const;

/** How Prometheus is asked; an empty answer is an error, not a zero: the fallback decides. */
const PROMETHEUS = { serverAddress: PROMETHEUS_URL, ignoreNullValues: "false", timeout: "3000" } as const;

/** Behaviour of an HPA, as Kubernetes takes it. */
export type ScalingBehaviour = k8s.types.input.autoscaling.v2.HorizontalPodAutoscalerBehavior;

/** Adapters share the replicas of their base model, so their load counts as its load. */
function scopeOf({ model, namespace, engine, target }: ModelScalerArgs): QueryScope {
  const adapters = adaptersOf(engine);
  return {
    model,
    namespace,
    pods: target === "LeaderWorkerSet" ? "group-leader" : "replica-set",
    adapters: adapters.map(({ name }) => name),
  };
}

function scaledObject(args: ModelScalerArgs): k8s.apiextensions.CustomResourceArgs {
  const gauges = engineGauges(args.engine);
  const { capacity, schedule } = args;
  const trigger = (name: string, query: string, threshold: number): ScalerTrigger => ({
    type: "prometheus",
    name,
    ...AVERAGE,
    metadata: { ...PROMETHEUS, query, threshold: `${threshold}` },
  });
  // KEDA wakes what fails longer than its threshold, and engines that are not there export nothing.
  const ofEngines = (query: string): string =>
    args.minReplicas > 0 ? query : orAsleep(query, scopeOf(args));
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: args.model, namespace: args.namespace, labels: args.labels },
    spec: {
      scaleTargetRef: {
        ...TARGETS[args.target ?? "Deployment"],
        name: args.model,
      },
      minReplicaCount: args.minReplicas,
      maxReplicaCount: args.maxReplicas,
      pollingInterval: 15,
      cooldownPeriod: 900,
      fallback: {
        failureThreshold: 3,
        // Lost metrics keep, and wake, one replica at least: to KEDA a trigger that falls back is active.
        replicas: Math.max(1, args.minReplicas),
        behavior: "currentReplicasIfHigher",
      },
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              // A quantity: KEDA's definition refuses numbers with a fraction.
              tolerance: `${UP_TOLERANCE}`,
              selectPolicy: "Max",
              policies: [
                { type: "Percent", value: 100, periodSeconds: 15 },
                { type: "Pods", value: 4, periodSeconds: 15 },
              ],
            },
            scaleDown: {
              stabilizationWindowSeconds: QUIET_SECONDS,
              selectPolicy: "Max",
              policies: [
                { type: "Percent", value: 25, periodSeconds: 60 },
                { type: "Pods", value: 1, periodSeconds: 60 },
              ],
            },
          },
        },
      },
      triggers: [
        ...(capacity === undefined
          ? []
          : [trigger("demand", demandQuery(scopeOf(args), capacity), ONE_EACH)]),
        ...(gauges === undefined
          ? []
          : [
              capacity === undefined
                ? trigger(
                    "in-flight",
                    ofEngines(inFlightQuery(gauges, scopeOf(args))),
                    Math.max(1, Math.floor(args.engine.maxNumSeqs * IN_FLIGHT_SHARE)),
                  )
                : trigger(
                    "engine-load",
                    ofEngines(engineLoadQuery(gauges, scopeOf(args), capacity)),
                    ONE_EACH,
                  ),
              trigger(
                "queue-depth",
                ofEngines(waitingQuery(gauges, scopeOf(args))),
                args.queueDepthThreshold,
              ),
            ]),
        ...(args.minReplicas > 0 ? [] : [trigger("held", heldQuery(scopeOf(args)), args.engine.maxNumSeqs)]),
        ...(schedule === undefined ? [] : scheduleTriggers(schedule)),
      ],
    },
  };
}
