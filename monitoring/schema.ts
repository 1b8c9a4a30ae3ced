import { z } from "zod";

const percent = z.string().regex(/^\d{1,2}(\.\d+)? %$/, { error: "must be a percentage such as 99.9 %" });
const duration = z
  .string()
  .regex(/^[1-9]\d*(m|h|d)$/, { error: "must be a Prometheus duration such as 30m, 1h or 7d" });
const latencyLimit = z
  .string()
  .regex(/^< \d+(\.\d+)? (ms|s)$/, { error: "must be an upper limit such as < 800 ms" });
const shareLimit = z
  .string()
  .regex(/^< \d{1,2}(\.\d+)? %$/, { error: "must be an upper limit such as < 2 %" });
const count = z.int().min(1);

const slos = z
  .strictObject({
    availability: z
      .strictObject({
        objective: percent.describe("Share of calls that must be answered."),
        windowDays: z.int().min(7).max(90).default(30).describe("Days the error budget is counted over."),
      })
      .describe(
        "Calls the platform answers; what guards, limits or the caller's mistakes refuse does not count.",
      ),
  })
  .describe("Service level objectives.");

const tracked = z.literal("tracked");

const metrics = z
  .strictObject({
    latency_p95: latencyLimit.optional().describe("95 of 100 completed calls are faster."),
    latency_p99: latencyLimit.optional().describe("99 of 100 completed calls are faster."),
    time_to_first_token_p95: latencyLimit.optional().describe("95 of 100 first tokens come faster."),
    time_to_first_token_p99: latencyLimit.optional().describe("99 of 100 first tokens come faster."),
    hallucination_rate: shareLimit
      .optional()
      .describe("Share of judged answers that the sources do not support."),
    cost_per_request: tracked.optional().describe("USD per completed call, by model and by client."),
    tokens_per_request: tracked.optional().describe("Input and output tokens per completed call, by model."),
  })
  .describe("What is measured; a limit makes an alert, `tracked` only a series.");

const judge = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("uncalibrated") }),
    z
      .strictObject({
        kind: z.literal("calibrated"),
        sensitivity: z.number().min(0.5).max(1).describe("Share of hallucinated answers it recognises."),
        specificity: z.number().min(0.5).max(1).describe("Share of supported answers it recognises."),
        measured: z.iso.date({ error: "must be a calendar date, YYYY-MM-DD" }),
      })
      .describe("Measured against people's labels; the rate is corrected (Rogan-Gladen)."),
  ])
  .default({ kind: "uncalibrated" })
  .describe("How far the judge of hallucinations can be trusted.");

const histogramDetector = z.discriminatedUnion("detector", [
  z.strictObject({
    detector: z.literal("ks"),
    threshold: z.number().gt(0).lt(1).default(0.15).describe("Largest distance of the two distributions."),
  }),
  z.strictObject({
    detector: z.literal("psi"),
    threshold: z.number().gt(0).default(0.2).describe("Population stability index."),
  }),
]);

const failureDetector = z.discriminatedUnion("detector", [
  z
    .strictObject({
      detector: z.literal("cusum"),
      from: percent.default("2 %").describe("Failure rate that is in order."),
      to: percent.default("5 %").describe("Failure rate that must be found."),
      limit: z.number().gt(0).default(9).describe("Sum of log likelihood ratios that raises the alert."),
    })
    .describe("Cumulative sum of a Bernoulli series between two rates."),
  z
    .strictObject({
      detector: z.literal("page-hinkley"),
      delta: z.number().gt(0).lt(1).default(0.005).describe("Rise of the rate that is tolerated."),
      limit: z.number().gt(0).default(15).describe("Sum of deviations that raises the alert."),
    })
    .describe("Cumulative deviation from the rate of the reference."),
]);

const drift = z
  .strictObject({
    window: duration.default("1h").describe("Sliding window that is compared."),
    reference: z
      .strictObject({
        range: duration.default("7d").describe("Length of the reference."),
        offset: duration.default("1h").describe("How long before now the reference ends."),
      })
      .prefault({})
      .describe("What the window is compared with."),
    minimumSamples: z
      .int()
      .min(200)
      .default(500)
      .describe("Fewest samples in the window and in the reference; below 200 the index is noise."),
    signals: z
      .strictObject({
        prompt_bytes: histogramDetector.optional().describe("Length of prompts, from the gateway."),
        input_tokens: histogramDetector.optional().describe("Input tokens, from the gateway."),
        output_tokens: histogramDetector.optional().describe("Output tokens, from the gateway."),
        guard_verdicts: z
          .strictObject({ detector: z.literal("psi"), threshold: z.number().gt(0).default(0.2) })
          .optional()
          .describe("Verdicts by guard and action, from the gateway."),
        embedding_distance: histogramDetector
          .optional()
          .describe("Embedding distances, from the evaluation."),
        eval_score: histogramDetector.optional().describe("Scores of live answers, from the evaluation."),
        eval_failures: failureDetector
          .optional()
          .describe("Hallucinated answers one by one, from the evaluation."),
      })
      .describe("What is watched and how."),
  })
  .describe("Detectors of drift.");

const alerts = z
  .strictObject({
    drift_detected: z
      .strictObject({ action: z.enum(["retrain", "notify"]) })
      .describe("Any detector of `drift` fires."),
    quality_drop: z
      .strictObject({
        action: z.enum(["rollback", "notify"]),
        times: z.number().min(1.5).default(3).describe("Rise of interventions against the last week."),
        above: percent.default("1 %").describe("Share of interventions below which nothing is said."),
        minimumSamples: count.default(50).describe("Fewest verdicts or judged answers in the hour."),
      })
      .describe("Hallucinations above their limit, or guards that intervene more often."),
    cost_spike: z
      .strictObject({
        action: z.enum(["throttle", "notify"]),
        times: z.number().min(1.5).default(3).describe("Rise of an hour's cost against the last week."),
        above: percent
          .default("10 %")
          .describe("Share of the budget's hourly rate below which nothing is said."),
      })
      .describe("An hour costs a multiple, or the month would cost more than its budget."),
  })
  .describe("Events and the loop each starts; `notify` tells people only.");

/** The declarative file: what one LLM pipeline promises, what is watched, and what happens then. */
export const pipeline = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, { error: "must be lower-case letters, digits or '-'" })
      .describe("Name in rules and dashboards."),
    slos,
    metrics,
    judge,
    drift,
    alerts,
    runbooks: z
      .string()
      .regex(/^(https:\/\/\S+|[\w./-]+)$/, { error: "must be an https URL or a folder" })
      .default("docs/runbooks")
      .describe("Where the runbook pages are, for the links in alerts."),
  })
  .describe("What one LLM pipeline promises, what is watched, and what happens then.");

/** A valid file with every default filled in. */
export type Pipeline = z.output<typeof pipeline>;
