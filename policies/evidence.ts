import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import type { ResourceGraph } from "../graph/graph.ts";
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

const envelopeSchema = z.strictObject({
  payloadType: z.string(),
  payload: z.base64(),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.base64() })).min(1),
});

/** A signed record. @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
export type Envelope = z.output<typeof envelopeSchema>;

/** A file is no evidence, or not what somebody signed. */
export class EvidenceError extends Error {
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

/** Bytes that are signed: the type and the payload, each with its length. */
function preAuthentication(type: string, payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `),
    payload,
  ]);
}

/** Id of a key: SHA-256 of its public form. */
function keyId(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/**
 * Signs a record.
 * @param privateKeyPem Ed25519 key in PEM
 * @throws EvidenceError when the key is none
 */
export function signEvidence(record: EvidenceRecord, privateKeyPem: string): Envelope {
  const key = readKey(() => createPrivateKey(privateKeyPem));
  const payload = Buffer.from(JSON.stringify(record));
  return {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString("base64"),
    signatures: [
      {
        keyid: keyId(createPublicKey(key)),
        sig: sign(null, preAuthentication(PAYLOAD_TYPE, payload), key).toString("base64"),
      },
    ],
  };
}

function readKey(read: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw new EvidenceError("the key cannot be read; it must be an Ed25519 key in PEM");
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw new EvidenceError(`the key is ${key.asymmetricKeyType ?? "unknown"}; it must be Ed25519`);
  return key;
}

/**
 * Checks an envelope and returns its record.
 * @throws EvidenceError when it is malformed, of another type, or not signed by the key
 */
export function verifyEvidence(envelope: unknown, publicKeyPem: string): EvidenceRecord {
  const key = readKey(() => createPublicKey(publicKeyPem));
  const parsed = envelopeSchema.safeParse(envelope);
  if (!parsed.success) throw new EvidenceError("this is not a signed evidence record");
  const { payloadType, payload, signatures } = parsed.data;
  if (payloadType !== PAYLOAD_TYPE)
    throw new EvidenceError(`the payload is ${payloadType}, not ${PAYLOAD_TYPE}`);
  const bytes = Buffer.from(payload, "base64");
  const signed = preAuthentication(payloadType, bytes);
  const isSigned = signatures.some(
    ({ keyid, sig }) => keyid === keyId(key) && verify(null, signed, key, Buffer.from(sig, "base64")),
  );
  if (!isSigned) throw new EvidenceError("no signature of this key fits: changed, or signed by another key");
  const record = recordSchema.safeParse(JSON.parse(bytes.toString("utf8")));
  if (!record.success) throw new EvidenceError("the signed payload is no evidence record of this version");
  return record.data;
}
