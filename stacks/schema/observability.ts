import { z } from "zod";
import { count, pinnedImage, secretRef, serviceUrl } from "./primitives.ts";

/**
 * Google's build of Prometheus.
 * @see https://github.com/GoogleCloudPlatform/prometheus-engine (its dedicated-collector script names image and digest)
 */
const GMP_PROMETHEUS =
  "gke.gcr.io/prometheus-engine/prometheus:v2.53.5-gmp.4-gke.0@sha256:6f349dc0be36c8a61be183254f1126c9935f5332daa96c481f7e0e1b20fe0513";

/** Thanos, with the digest public deployments pin (read 2026-11-26; not fetched from the registry). */
const THANOS =
  "quay.io/thanos/thanos:v0.41.0@sha256:cf3e9b292e4302ad4a4955b56379703aea39516607d382a57604a3d003c35d10";

const outsidePlatform = {
  dataProcessingAgreement: z.string().min(1).describe("Where the agreement with the platform is filed."),
};

const tracePlatform = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("mlflow"),
    url: z.url({ protocol: /^https$/, error: "must be https" }),
    experimentId: z.string().regex(/^\d+$/, { error: "must be the number of an experiment" }),
    authorization: secretRef.optional(),
  }),
  z.strictObject({
    kind: z.literal("langsmith"),
    region: z.enum(["eu", "us", "apac"]),
    project: z.string().min(1),
    apiKey: secretRef,
    ...outsidePlatform,
  }),
  z.strictObject({
    kind: z.literal("braintrust"),
    region: z.enum(["eu", "us"]),
    projectId: z.string().min(1),
    authorization: secretRef.describe("Value: Bearer <key>."),
    ...outsidePlatform,
  }),
  z.strictObject({
    kind: z.literal("langfuse"),
    url: z.url({ protocol: /^https$/, error: "must be https" }),
    authorization: secretRef.describe("Value: Basic <base64 of publicKey:secretKey>."),
    ...outsidePlatform,
  }),
]);

const storage = z
  .enum(["bucket", "volume"])
  .optional()
  .describe("Without it a bucket in production on AWS and Google Cloud, a volume elsewhere.");

const telemetry = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("off") }),
  z.strictObject({
    kind: z.literal("collector"),
    image: pinnedImage.describe("otel/opentelemetry-collector-contrib 0.158 or later."),
    replicas: count.default(2).describe("Pods of each of the two tiers."),
    slowMs: count.default(5_000).describe("Traces slower than this are always kept, ms."),
    traces: z
      .strictObject({ retentionDays: count.default(7), volumeGiB: count.default(50), storage })
      .prefault({})
      .describe("Tempo."),
    logs: z
      .strictObject({ retentionDays: count.default(14), volumeGiB: count.default(50), storage })
      .optional()
      .describe("Loki, for logs sent by OTLP."),
    engineSpans: z
      .enum(["off", "on"])
      .default("off")
      .describe(
        "`on`: vLLM and SGLang send spans too; their images must have OpenTelemetry's packages, or they do not start.",
      ),
    platforms: z
      .array(tracePlatform)
      .default([])
      .describe("Where kept traces go as well; secrets are in the namespace telemetry."),
  }),
]);

const sentSeries = z
  .enum(["platform", "all"])
  .default("platform")
  .describe("`platform`: what dashboards, alerts, cost and reports of the platform read.");

/** Limits of sending. @see https://prometheus.io/docs/practices/remote_write/ */
const queue = z
  .strictObject({
    maxShards: count
      .default(50)
      .describe("Most connections that send at the same time, from each Prometheus."),
    maxSamplesPerSend: count.default(2_000).describe("Most samples of one request."),
  })
  .prefault({})
  .describe("Limits of sending.");

const metrics = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("local") }).describe("On the volumes of Prometheus only."),
  z
    .strictObject({
      kind: z.literal("remote-write"),
      url: z.url({ protocol: /^https$/, error: "must be https" }).describe("Endpoint of remote write."),
      authorization: z
        .discriminatedUnion("kind", [
          z.strictObject({ kind: z.literal("basic"), username: secretRef, password: secretRef }),
          z.strictObject({ kind: z.literal("bearer"), token: secretRef }),
        ])
        .describe("Secrets are in the namespace monitoring."),
      series: sentSeries,
      queue,
    })
    .describe("To any server that takes remote write."),
  z
    .strictObject({ kind: z.literal("amazon-managed"), series: sentSeries, queue })
    .describe("To a workspace of Amazon Managed Service for Prometheus."),
  z
    .strictObject({
      kind: z.literal("google-managed"),
      image: z
        .string()
        .regex(/^[^\s/]+\/[^\s:@]+:v\d+\.\d+\.\d+[^\s@]*@sha256:[0-9a-f]{64}$/, {
          error: "must be <registry>/<repository>:v<version>@sha256:<64 hex digits>",
        })
        .default(GMP_PROMETHEUS)
        .describe("Google's build of Prometheus, which exports to Cloud Monitoring."),
      series: sentSeries,
    })
    .describe("To Google Cloud Managed Service for Prometheus."),
  z
    .strictObject({
      kind: z.literal("thanos"),
      image: pinnedImage.default(THANOS).describe("Thanos 0.41 or later."),
      retentionDays: count.default(400).describe("Days metrics are kept in the bucket."),
      volumeGiB: count.default(50).describe("Volume of the compactor, GiB."),
    })
    .describe("To a bucket of the environment, read through Thanos."),
]);

/** Metrics and traces. */
export const observability = z
  .strictObject({
    metricsRetentionDays: count.default(30).describe("Days Prometheus itself keeps metrics."),
    metricsVolumeGiB: count.default(50).describe("Volume of each of the two Prometheus, GiB."),
    metrics: metrics.default({ kind: "local" }).describe("Where metrics go besides."),
    pipeline: z
      .string()
      .regex(/^[\w./-]+\.yaml$/, { error: "must be the path of a YAML file from the root of the repository" })
      .default("monitoring/llm-pipeline.yaml")
      .describe("File with objectives, drift detectors, alerts and loops."),
    dashboardsFolder: z
      .string()
      .regex(/^[\w -]{1,40}$/, { error: "must be 1-40 letters, digits, spaces, '-' or '_'" })
      .default("LLMOps")
      .describe("Folder of the dashboards in Grafana."),
    traceSampling: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe(
        "Share of ordinary traces that are kept; failed, slow, stopped and expensive ones always are.",
      ),
    telemetry: telemetry.default({ kind: "off" }).describe("Collectors and stores of traces and logs."),
    driftJob: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("none") }),
        z
          .strictObject({
            kind: z.literal("nightly"),
            image: pinnedImage.describe("Image built from jobs/drift/Dockerfile."),
            mlflowUrl: serviceUrl.describe("MLflow the collector sends traces to."),
            traces: z.string().min(1).describe("Experiment in MLflow that holds the traces."),
            schedule: z
              .string()
              .regex(/^\S+( \S+){4}$/, { error: "must be a cron expression of five fields" })
              .default("30 3 * * *")
              .describe("When it runs, UTC."),
          })
          .describe("Compares yesterday's traces with those of a week before."),
      ])
      .default({ kind: "none" })
      .describe("Batch comparison of traces, written to MLflow."),
  })
  .prefault({})
  .describe("Metrics and traces.");
