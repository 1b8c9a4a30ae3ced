import { z } from "zod";
import { evaluatedSchema } from "../report.ts";

const secretFile = z.string().startsWith("/");

const common = {
  /** Gateway, without a path. */
  gateway: z.url(),
  /** File with the key of the gateway's client. */
  keyFile: secretFile,
};

const scheduled = z.strictObject({
  ...common,
  stack: z.string().min(1),
  environment: z.enum(["dev", "staging", "prod"]),
  models: z
    .array(
      z.strictObject({
        model: z.string().min(1),
        evaluated: evaluatedSchema.omit({ dataSets: true }),
        /** Length of its system message, bytes. */
        promptBytes: z.int().min(0),
        /** Longest a case may take, seconds. */
        maxCaseSeconds: z.int().min(1),
        /** Machines of one replica, USD per hour. */
        usdPerHour: z.number().min(0),
      }),
    )
    .min(1),
  spend: z.discriminatedUnion("kind", [
    /** Most an evaluation of all models may cost, USD. */
    z.strictObject({ kind: z.literal("capped"), maxUsd: z.number().positive() }),
    /** Nobody knows what the machines cost. */
    z.strictObject({ kind: z.literal("unpriced") }),
  ]),
  /** Folder of the data sets. */
  dataSets: z.string().min(1),
  maxTokens: z.int().min(1),
  minSamples: z.int().min(1),
  /** Folder for runs; it need not last. */
  folder: z.string().startsWith("/"),
  /** Where figures go; absent where there is no MLflow. */
  mlflow: z.strictObject({ url: z.url(), user: z.string().min(1), passwordFile: secretFile }).optional(),
});

const online = z.strictObject({
  ...common,
  port: z.int().min(1).max(65_535),
  share: z.number().min(0).max(1),
  models: z.array(z.string().min(1)).min(1),
  judge: z.strictObject({ model: z.string().min(1), prompt: z.string().min(1), maxTokens: z.int().min(1) }),
  maxPerDay: z.int().min(1),
  /** Distance of prompts to the questions of some data sets; absent where nobody measures it. */
  distance: z
    .strictObject({
      model: z.string().min(1),
      share: z.number().min(0).max(1),
      maxPerDay: z.int().min(1),
      dataSets: z.string().min(1),
      suites: z.array(z.string().min(1)).min(1),
      /** What the questions must be; others are another reference. */
      digest: evaluatedSchema.shape.dataSets,
    })
    .optional(),
});

/** Configuration of one evaluation in the cluster. */
export type ScheduledConfig = z.output<typeof scheduled>;

/** Configuration of the evaluation of live answers. */
export type OnlineConfig = z.output<typeof online>;

/** The configuration of a program in the cluster is not what it must be; the message names the key. */
export class ClusterConfigError extends Error {
  override readonly name = "ClusterConfigError";
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ClusterConfigError(z.prettifyError(parsed.error));
  return parsed.data;
}

/** @throws ClusterConfigError naming the key */
export function scheduledConfig(value: unknown): ScheduledConfig {
  return check(scheduled, value);
}

/** @throws ClusterConfigError naming the key */
export function onlineConfig(value: unknown): OnlineConfig {
  return check(online, value);
}
