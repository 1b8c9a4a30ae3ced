import { createHash, randomUUID } from "node:crypto";
import { z } from "zod";
import type { ResourceGraph } from "../graph/graph.ts";
import { EnvelopeError, openEnvelope, signEnvelope, type Envelope } from "../signing/dsse.ts";
import { blocking, type PolicyReport } from "./report.ts";

/** Type of the payload in the envelope. */
const PAYLOAD_TYPE = "application/vnd.llmops.evidence.v1+json";

/** Where the evaluated files come from. */
export interface GitState {
  /** Commit, or null outside of a repository. */
  readonly commit: string | null;
  /** Whether files differ from the commit; a record of a dirty tree proves less and says so. */
  readonly tree: "clean" | "dirty" | "unknown";
}

/** What an evidence record is made from. */
export interface EvidenceInput {
  readonly report: PolicyReport;
  readonly graph: ResourceGraph;
  /** The stack's configuration as parsed. */
  readonly config: unknown;
  readonly git: GitState;
  /** Version of the blueprint. */
  readonly version: string;
  /** How the graph was made, for example `plan` or `terraform-plan`. */
  readonly source: string;
}

const recordSchema = z.looseObject({
  schema: z.literal("llmops.evidence/v1"),
  run: z.string(),
  project: z.string(),
  stack: z.string(),
  asOf: z.string(),
  source: z.string(),
  graphSha256: z.string(),
  configSha256: z.string(),
  git: z.looseObject({ commit: z.string().nullable(), tree: z.string() }),
  totals: z.record(z.string(), z.number()),
  stopping: z.number(),
});

/** What was checked in one run, with hashes of what it was checked on; passes and what does not apply included. */
export type EvidenceRecord = z.output<typeof recordSchema>;

/** A file is no evidence, or not what somebody signed. */
export class EvidenceError extends EnvelopeError {
  override readonly name = "EvidenceError";
}

/** SHA-256 of a value in its JSON form, hex. */
export function sha256Of(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

/** Makes the record of a run. */
export function evidenceOf({ report, graph, config, git, version, source }: EvidenceInput): EvidenceRecord {
  const statuses = ["pass", "fail", "unknown", "exempt", "attested", "not-applicable"] as const;
  return {
    schema: "llmops.evidence/v1",
    run: randomUUID(),
    project: report.project,
    stack: report.stack,
    asOf: report.asOf,
    source,
    legalBaseline: report.legalBaseline,
    riskClass: report.riskClass,
    environment: report.environment,
    graphSha256: sha256Of(graph),
    configSha256: sha256Of(config),
    git: { ...git },
    versions: { blueprint: version, node: process.version },
    totals: Object.fromEntries(
      statuses.map((status) => [status, report.results.filter((each) => each.status === status).length]),
    ),
    stopping: blocking(report).length,
    results: report.results,
    exemptionFindings: report.exemptionFindings,
  };
}

/**
 * Signs a record.
 * @param privateKeyPem Ed25519 key in PEM
 * @throws EnvelopeError when the key is none
 */
export function signEvidence(record: EvidenceRecord, privateKeyPem: string): Envelope {
  return signEnvelope(PAYLOAD_TYPE, record, privateKeyPem);
}

/**
 * Checks an envelope and returns its record.
 * @throws EnvelopeError when it is malformed, of another type, or not signed by the key
 * @throws EvidenceError when what was signed is no record
 */
export function verifyEvidence(envelope: unknown, publicKeyPem: string): EvidenceRecord {
  const record = recordSchema.safeParse(
    openEnvelope(envelope, PAYLOAD_TYPE, publicKeyPem, "evidence record"),
  );
  if (!record.success) throw new EvidenceError("the signed payload is no evidence record of this version");
  return record.data;
}
