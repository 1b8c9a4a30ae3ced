import { z } from "zod";
import { EnvelopeError, openEnvelope, signEnvelope, type Envelope } from "../signing/dsse.ts";

/** Type of the payload: an in-toto statement. @see https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md */
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** Type of the predicate in a statement about an evaluation. */
export const EVALUATION_PREDICATE = "urn:llmops-blueprint:evaluation:v1";

const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/, "sha256:<64 hex digits>");

/** Shape of what an evaluation is about. */
export const evaluatedSchema = z.strictObject({
  /** Weights: `sha256:<hex>` of the files, or `gitCommit:<hex>` of a repository of weights. */
  model: z.union([sha256, z.string().regex(/^gitCommit:[0-9a-f]{40}$/, "gitCommit:<40 hex digits>")]),
  /** What the model is told before the caller's words; `none` without a versioned prompt. */
  prompt: z.union([sha256, z.literal("none")]),
  /** Rules of the gateway and versions of its detectors. */
  guardrails: sha256,
  /** Every case that was asked. */
  dataSets: sha256,
});

/** What an evaluation is about; a report admits exactly this to traffic and nothing else. */
export type Evaluated = z.output<typeof evaluatedSchema>;

const share = z.number().min(0).max(1);
const decision = z.enum(["passed", "failed", "inconclusive"]);

const suite = z.strictObject({
  name: z.string().min(1),
  samples: z.int().min(0),
  /** Sum of the cases' scores. */
  score: z.number().min(0),
  /** Who scored: rules, or a judge that is calibrated well enough to count. */
  grader: z.enum(["deterministic", "judge", "measured"]),
  /** `advisory`: it was looked at and did not count. */
  decision: z.enum([...decision.options, "advisory"]),
  reason: z.string(),
});

const comparison = z.strictObject({
  /** What the candidate is compared with. */
  baseline: evaluatedSchema,
  baselineRun: z.string(),
  samples: z.int().min(0),
  /** Candidate minus baseline, share of cases. */
  difference: z.number().min(-1).max(1),
  lower: z.number().min(-1).max(1),
  upper: z.number().min(-1).max(1),
  /** Largest loss that is accepted, share of cases. */
  margin: share,
  /** Samples a conclusive answer needs at the discordance that was seen. */
  neededSamples: z.int().min(1),
  decision,
});

const judge = z.strictObject({
  version: z.string().min(1),
  labels: z.int().min(1),
  kappa: z.number(),
  kappaLower: z.number(),
  sensitivity: share,
  specificity: share,
  mayGate: z.enum(["yes", "no"]),
});

const predicate = z.strictObject({
  schema: z.literal("llmops.evaluation/v1"),
  run: z.string().min(1),
  stack: z.string().min(1),
  environment: z.enum(["local", "dev", "staging", "prod"]),
  /** Name the model is served by. */
  model: z.string().min(1),
  evaluated: evaluatedSchema,
  /** Who answered; a stand-in proves the path and nothing about a model. */
  engine: z.enum(["model", "stand-in"]),
  finishedAt: z.iso.datetime(),
  /** Whether every question was asked and answered. */
  completeness: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("complete") }),
    z.strictObject({
      kind: z.literal("incomplete"),
      answers: z.int().min(0),
      questions: z.int().min(1),
      /** What stopped the run, where something did. */
      reason: z.string().min(1),
    }),
  ]),
  /** Cases that were scored. */
  samples: z.int().min(0),
  suites: z.array(suite).min(1),
  /** Null for the first evaluation, which has nothing to be compared with. */
  comparison: comparison.nullable(),
  judge: judge.nullable(),
  decision,
  /** Why it is not `passed`; empty when it is. */
  reasons: z.array(z.string()),
});

/** What an evaluation found. */
export type EvaluationReport = z.output<typeof predicate>;

const statement = z.looseObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.strictObject({ name: z.string(), digest: z.record(z.string(), z.string()) })).min(1),
  predicateType: z.literal(EVALUATION_PREDICATE),
  predicate,
});

/** A file is no evaluation report. */
export class ReportError extends EnvelopeError {
  override readonly name = "ReportError";
}

function subjects(of: Evaluated): { name: string; digest: Record<string, string> }[] {
  return Object.entries(of)
    .filter(([, value]) => value !== "none")
    .map(([name, value]) => {
      const [algorithm = "", hex = ""] = value.split(":");
      return { name, digest: { [algorithm]: hex } };
    });
}

/**
 * Signs a report as an in-toto statement about the four things it evaluated.
 * @param privateKeyPem Ed25519 key in PEM
 * @throws EnvelopeError when the key is none
 */
export function signReport(report: EvaluationReport, privateKeyPem: string): Envelope {
  return signEnvelope(
    PAYLOAD_TYPE,
    {
      _type: STATEMENT_TYPE,
      subject: subjects(report.evaluated),
      predicateType: EVALUATION_PREDICATE,
      predicate: predicate.parse(report),
    },
    privateKeyPem,
  );
}

/**
 * Checks the signature of a report and returns it.
 * @throws EnvelopeError when it is malformed, of another type, or not signed by the key
 * @throws ReportError when what was signed is no evaluation report of this version
 */
export function verifyReport(envelope: unknown, publicKeyPem: string): EvaluationReport {
  const parsed = statement.safeParse(openEnvelope(envelope, PAYLOAD_TYPE, publicKeyPem, "evaluation report"));
  if (!parsed.success)
    throw new ReportError(
      `the signed payload is no evaluation report of this version: ${parsed.error.issues
        .map(({ path, message }) => `${z.core.toDotPath(path)}: ${message}`)
        .join("; ")}`,
    );
  const { subject, predicate: report } = parsed.data;
  if (JSON.stringify(subject) !== JSON.stringify(subjects(report.evaluated)))
    throw new ReportError("the subjects of the statement are not what its predicate says was evaluated");
  return report;
}

/**
 * Reads a report that nobody has signed yet.
 * @throws ReportError when it is none
 */
export function readReport(value: unknown): EvaluationReport {
  const parsed = predicate.safeParse(value);
  if (!parsed.success)
    throw new ReportError(
      `this is no evaluation report: ${parsed.error.issues
        .map(({ path, message }) => `${z.core.toDotPath(path)}: ${message}`)
        .join("; ")}`,
    );
  return parsed.data;
}
