import { z } from "zod";
import { count, countOrZero, isoDate, sha256 } from "./primitives.ts";

const termination = {
  preStopSeconds: countOrZero.default(15).describe("Seconds between leaving the endpoints and SIGTERM."),
  drainSeconds: count.default(90).describe("Seconds running requests get after SIGTERM."),
  gracePeriodSeconds: count.default(120).describe("Seconds until the kubelet kills the pod."),
};

const spareGpus = z.strictObject({
  kind: z.literal("spare-gpus"),
  replicas: count.describe("Replicas that run besides the old ones; pool and quota must hold them."),
});

const surge = z
  .discriminatedUnion("kind", [
    spareGpus,
    z
      .strictObject({ kind: z.literal("in-place") })
      .describe("One replica after the other, on the same GPUs."),
  ])
  .default({ kind: "in-place" })
  .describe("GPUs a delivery may take besides those that serve.");

/** Signed evaluation of what answers under a name. */
export const evaluated = z
  .strictObject({
    report: sha256.describe("Digest of the signed evaluation report."),
    model: z
      .union([
        sha256,
        z.string().regex(/^gitCommit:[0-9a-f]{40}$/, { error: "must be gitCommit: and 40 hex digits" }),
      ])
      .describe("Digest of the evaluated weights, or commit of their repository."),
    prompt: z.union([sha256, z.literal("none")]).describe("Hash of the evaluated system prompts."),
    guardrails: sha256.describe("Hash of the evaluated guardrails."),
    dataSets: sha256.describe("Hash of the cases that were asked."),
    date: isoDate.describe("Day of the evaluation."),
  })
  .optional()
  .describe("Signed evaluation of exactly what is delivered; `llmops plan` says which hashes are expected.");

const soakMinutes = z
  .int()
  .min(5)
  .max(1440)
  .default(30)
  .describe("Minutes the new replicas are watched while the old ones still run.");

/** How a new version of a model takes over. */
export const delivery = z
  .discriminatedUnion("strategy", [
    z.strictObject({ strategy: z.literal("rolling"), ...termination, surge, evaluation: evaluated }),
    z.strictObject({
      strategy: z.literal("blue-green"),
      ...termination,
      surge: spareGpus,
      soakMinutes,
      evaluation: evaluated,
    }),
    z.strictObject({
      strategy: z.literal("canary"),
      ...termination,
      surge,
      steps: z
        .array(
          z.strictObject({
            weight: z.int().min(1).max(99).describe("Share of the replicas, percent."),
            minutes: count.describe("Minutes it is watched."),
          }),
        )
        .min(1)
        .default([
          { weight: 20, minutes: 15 },
          { weight: 50, minutes: 15 },
        ]),
      evaluation: evaluated,
    }),
  ])
  .describe("How a new version of a model takes over.");
