import { z } from "zod";
import { count, dnsName, pinnedImage, reachableUrl, secretRef } from "./primitives.ts";

const httpsUrl = z.url({ protocol: /^https$/, error: "must be https" });

const approval = z.enum(["required", "automatic"]);

const rule = {
  minSamples: count.describe("Fewest answers an alert must rest on."),
  cooldownMinutes: count.describe("Minutes after an action in which the same model is left alone."),
};

const retrain = z
  .strictObject({
    ...rule,
    minSamples: rule.minSamples.default(500),
    cooldownMinutes: rule.cooldownMinutes.default(10_080),
    approval: approval.default("required").describe("Whether a person must agree before GPUs are used."),
    image: pinnedImage.describe("Client's training image."),
    command: z
      .array(z.string().min(1))
      .min(1)
      .describe("Program of the image; `snapshot`, `train`, `evaluate` or `register` and options follow."),
    pool: dnsName.describe("GPU pool of the training."),
    gpus: count.default(1).describe("GPUs of the training."),
    volumeGiB: count.default(100).describe("Room for snapshot and candidate, GiB."),
    mlflowUrl: reachableUrl.describe("Model registry; training logs in where it is the stack's own."),
  })
  .describe("`drift_detected`: a candidate is trained, evaluated, registered and proposed; never deployed.");

const rollback = z
  .strictObject({
    ...rule,
    minSamples: rule.minSamples.default(200),
    cooldownMinutes: rule.cooldownMinutes.default(60),
    approval: approval.default("automatic").describe("Whether a person must agree before an abort."),
  })
  .describe("`quality_drop`: a delivery in progress is aborted; without one, going back is proposed.");

const automation = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("off") }),
    z.strictObject({
      kind: z.literal("on"),
      mode: z
        .enum(["act", "dry-run"])
        .default("dry-run")
        .describe("`dry-run` decides and records, and changes nothing."),
      executorImage: pinnedImage.describe(
        "quay.io/argoproj/argoexec of the version in charts/argo-workflows, or a mirror of it: Argo adds it to every step.",
      ),
      retrain: retrain.optional(),
      rollback: rollback.optional(),
      proposals: z
        .strictObject({
          url: httpsUrl.describe(
            "Takes a POST for each proposal, for example the dispatch address of a Git host.",
          ),
          token: secretRef.describe("Its token, in the namespace loops."),
        })
        .describe("Where people are asked to merge something."),
    }),
  ])
  .default({ kind: "off" })
  .describe("Loops of retraining and going back; throttling is `alerting.throttle`.");

/** What alerts set in motion. */
export const loops = z
  .strictObject({
    image: pinnedImage
      .optional()
      .describe("Image built from loops/Dockerfile: gate of deliveries and controller of the loops."),
    automation,
  })
  .prefault({})
  .describe("What alerts set in motion.");
