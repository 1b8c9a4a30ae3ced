import { z } from "zod";
import { cronWindow } from "./cron.ts";
import { compileQuery, type Query } from "./promql.ts";

const scalingPolicy = z.object({
  type: z.enum(["Percent", "Pods"]),
  value: z.number().positive(),
  periodSeconds: z.number().positive(),
});

const direction = z.object({
  stabilizationWindowSeconds: z.number().min(0).optional(),
  selectPolicy: z.enum(["Max", "Min"]).default("Max"),
  policies: z.array(scalingPolicy).min(1),
  tolerance: z.coerce.number().min(0).optional(),
});

/** Rate limits of one direction. */
export type ScalingRules = z.output<typeof direction>;

/** Behaviour of an HPA nobody configured. @see https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/ */
const DEFAULT_UP: z.input<typeof direction> = {
  stabilizationWindowSeconds: 0,
  policies: [
    { type: "Percent", value: 100, periodSeconds: 15 },
    { type: "Pods", value: 4, periodSeconds: 15 },
  ],
};
const DEFAULT_DOWN: z.input<typeof direction> = {
  stabilizationWindowSeconds: 300,
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

const spec = z.object({
  minReplicaCount: z.number().int().min(0).default(0),
  maxReplicaCount: z.number().int().positive().default(100),
  pollingInterval: z.number().positive().default(30),
  cooldownPeriod: z.number().min(0).default(300),
  fallback: z
    .object({
      failureThreshold: z.number(),
      replicas: z.number(),
      behavior: z
        .enum(["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"])
        .default("static"),
    })
    .optional(),
  advanced: z
    .object({
      horizontalPodAutoscalerConfig: z
        .object({
          behavior: z
            .object({
              scaleUp: direction.default(direction.parse(DEFAULT_UP)),
              scaleDown: direction.default(direction.parse(DEFAULT_DOWN)),
            })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  triggers: z
    .array(
      z.discriminatedUnion(
        "type",
        [
          z.object({
            type: z.literal("prometheus"),
            name: z.string().default("trigger"),
            metricType: z.literal("AverageValue").default("AverageValue"),
            metadata: z.object({
              query: z.string(),
              threshold: z.string(),
              activationThreshold: z.string().default("0"),
              ignoreNullValues: z.enum(["true", "false"]).default("true"),
            }),
          }),
          z.object({
            type: z.literal("cron"),
            name: z.string().default("trigger"),
            metadata: z.object({
              timezone: z.string(),
              start: z.string(),
              end: z.string(),
              desiredReplicas: z.string().regex(/^\d+$/),
            }),
          }),
        ],
        { error: "only prometheus and cron triggers are simulated" },
      ),
    )
    .min(1),
});

/** A trigger ready to be asked. */
export type CompiledTrigger = QueryTrigger | ClockTrigger;

/** A floor of replicas at certain times. */
export interface ClockTrigger {
  readonly kind: "clock";
  readonly name: string;
  readonly replicas: number;
  /** Metric per replica: the value is the number of replicas itself. */
  readonly threshold: 1;
  readonly isOpen: (epochMs: number) => boolean;
}

/** A query and what is done with its answer. */
export interface QueryTrigger {
  readonly kind: "query";
  readonly name: string;
  readonly query: Query;
  readonly source: string;
  readonly threshold: number;
  readonly activationThreshold: number;
  /** What an empty answer is. */
  readonly whenEmpty: "zero" | "error";
}

/** A ScaledObject as the simulated KEDA runs it. */
export interface ScalerSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly fallback: z.output<typeof spec>["fallback"];
  readonly up: ScalingRules;
  readonly down: ScalingRules;
  readonly triggers: readonly CompiledTrigger[];
}

function compileTrigger(trigger: z.output<typeof spec>["triggers"][number]): CompiledTrigger {
  const { name } = trigger;
  if (trigger.type === "cron")
    return {
      kind: "clock",
      name,
      replicas: Number(trigger.metadata.desiredReplicas),
      threshold: 1,
      isOpen: cronWindow(trigger.metadata),
    };
  const { metadata } = trigger;
  return {
    kind: "query",
    name,
    query: compileQuery(metadata.query),
    source: metadata.query,
    threshold: Number(metadata.threshold),
    activationThreshold: Number(metadata.activationThreshold),
    whenEmpty: metadata.ignoreNullValues === "true" ? "zero" : "error",
  };
}

/**
 * Reads the `spec` of a ScaledObject as it is sent to the cluster.
 * @throws z.ZodError for fields that are not simulated, PromqlError for queries that are not.
 */
export function compileScaledObject(input: unknown): ScalerSpec {
  const parsed = spec.parse(input);
  const behavior = parsed.advanced?.horizontalPodAutoscalerConfig?.behavior;
  return {
    minReplicas: parsed.minReplicaCount,
    maxReplicas: parsed.maxReplicaCount,
    pollingSeconds: parsed.pollingInterval,
    cooldownSeconds: parsed.cooldownPeriod,
    fallback: parsed.fallback,
    up: behavior?.scaleUp ?? direction.parse(DEFAULT_UP),
    down: behavior?.scaleDown ?? direction.parse(DEFAULT_DOWN),
    triggers: parsed.triggers.map(compileTrigger),
  };
}
