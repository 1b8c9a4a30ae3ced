import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { PROMETHEUS_URL } from "../observability/monitoring.ts";
import { engineGauges } from "../serving/engine-metrics.ts";
import type { Engine } from "../serving/engine.ts";
import { heldQuery, inFlightQuery, offeredQuery, waitingQuery } from "./queries.ts";

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
  /** Measured output tokens/s of one replica at its SLO; with it, offered load scales before a queue forms. */
  readonly outputTokensPerSecond?: number;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * In-flight requests per replica that add a replica, as a share of the largest batch. Uncalibrated: half of the batch leaves
 * room for the minutes a new replica needs; a measured capacity replaces it.
 */
const IN_FLIGHT_SHARE = 0.5;

/**
 * Share of a replica's measured capacity that is planned with; the rest is room for what arrives while one starts.
 * @see docs/components/autoscaling.md
 */
const UTILISATION = 0.9;

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateModelScalerArgs(args: ModelScalerArgs): void {
  const fail = (propertyPath: string, reason: string): never => {
    throw new pulumi.InputPropertyError({ propertyPath, reason });
  };
  if (args.minReplicas < 0) fail("minReplicas", `${args.minReplicas} is less than 0`);
  const { outputTokensPerSecond } = args;
  if (outputTokensPerSecond !== undefined && !(outputTokensPerSecond > 0))
    fail("outputTokensPerSecond", `${outputTokensPerSecond} is not above 0`);
  if (args.maxReplicas < args.minReplicas)
    fail("maxReplicas", `${args.maxReplicas} is less than minReplicas ${args.minReplicas}`);
  if (args.queueDepthThreshold > args.engine.maxNumSeqs)
    fail(
      "queueDepthThreshold",
      `${args.queueDepthThreshold} > maxNumSeqs ${args.engine.maxNumSeqs}: more would wait than a replica can run`,
    );
  if (engineGauges(args.engine) === undefined)
    fail("engine", "this engine exports no queue; only a gateway signal could scale it");
}

/** Scales a model on requests in flight and on queue depth through KEDA; keeps its replicas while metrics are away. */
export class ModelScaler extends LlmopsComponent {
  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: ModelScalerArgs, opts: ComponentOptions) {
    validateModelScalerArgs(args);
    super("autoscaling", "ModelScaler", name, opts);
    new k8s.apiextensions.CustomResource(this.childName("scaler"), scaledObject(args), { parent: this });
    this.registerOutputs({ model: args.model });
  }
}

function scaledObject(args: ModelScalerArgs): k8s.apiextensions.CustomResourceArgs {
  const gauges = engineGauges(args.engine);
  if (gauges === undefined) throw new RangeError(`${args.engine.kind} exports no queue`);
  const trigger = (name: string, query: string, threshold: number): object => ({
    type: "prometheus",
    name,
    metricType: "AverageValue",
    metadata: {
      serverAddress: PROMETHEUS_URL,
      query,
      threshold: `${threshold}`,
      // An empty answer is an error, not a zero: the fallback decides.
      ignoreNullValues: "false",
      timeout: "3000",
    },
  });
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: args.model, namespace: args.namespace, labels: args.labels },
    spec: {
      scaleTargetRef: { name: args.model },
      minReplicaCount: args.minReplicas,
      maxReplicaCount: args.maxReplicas,
      pollingInterval: 15,
      cooldownPeriod: 900,
      fallback: {
        failureThreshold: 3,
        replicas: args.minReplicas,
        behavior: "currentReplicasIfHigher",
      },
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              selectPolicy: "Max",
              policies: [
                { type: "Percent", value: 100, periodSeconds: 15 },
                { type: "Pods", value: 4, periodSeconds: 15 },
              ],
            },
            scaleDown: {
              stabilizationWindowSeconds: 300,
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
        ...(args.outputTokensPerSecond === undefined
          ? []
          : [trigger("demand", offeredQuery(args), args.outputTokensPerSecond * UTILISATION)]),
        trigger(
          "in-flight",
          inFlightQuery(gauges, args),
          Math.max(1, Math.floor(args.engine.maxNumSeqs * IN_FLIGHT_SHARE)),
        ),
        trigger("queue-depth", waitingQuery(gauges, args), args.queueDepthThreshold),
        ...(args.minReplicas > 0 ? [] : [trigger("held", heldQuery(args), args.engine.maxNumSeqs)]),
      ],
    },
  };
}
