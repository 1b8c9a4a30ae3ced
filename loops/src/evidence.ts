import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";
import { EnvelopeError, openEnvelope, signEnvelope } from "../../signing/dsse.ts";
import type { PastAction } from "./decision.ts";

/** Type of the payload in each envelope. */
const PAYLOAD_TYPE = "application/vnd.llmops.loop.v1+json";

/** Predecessor of the first record. */
const NO_RECORD = "0".repeat(64);

const recordSchema = z.strictObject({
  schema: z.literal("llmops.loop/v1"),
  /** ISO time. */
  at: z.iso.datetime(),
  loop: z.enum(["retrain", "rollback"]),
  model: z.string(),
  alert: z.string(),
  fingerprint: z.string(),
  startsAt: z.string(),
  event: z.enum([
    "act",
    "dry-run",
    "already-acted",
    "cooling-down",
    "too-few-samples",
    "samples-unknown",
    "not-covered",
    "resolved",
    "submitted",
    "stopped",
    "failed",
  ]),
  detail: z.record(z.string(), z.union([z.string(), z.number()])),
  /** SHA-256 of the line before, hex. */
  previous: z.string(),
});

/** One thing the controller decided or did. */
export type LoopRecord = z.output<typeof recordSchema>;

/** What is recorded; time and chain are added. */
export type LoopEvent = Omit<LoopRecord, "schema" | "at" | "previous">;

function hashOf(line: string): string {
  return createHash("sha256").update(line).digest("hex");
}

/**
 * Reads and checks a log: every signature, and that no line is missing or changed.
 * @throws EnvelopeError naming the line
 */
export function readEvidence(path: string, publicKeyPem: string): LoopRecord[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  // A line without its end was never acknowledged; it still stops the controller, because nobody knows what it was.
  if (lines.pop() !== "") throw new EnvelopeError(`${path}: the last line is torn`);
  let previous = NO_RECORD;
  return lines.map((line, at) => {
    const record = recordSchema.parse(
      openEnvelope(JSON.parse(line), PAYLOAD_TYPE, publicKeyPem, "record of a loop"),
    );
    if (record.previous !== previous)
      throw new EnvelopeError(`${path}:${at + 1}: the line before is missing or was changed`);
    previous = hashOf(line);
    return record;
  });
}

/** Signed, chained records of what loops decided; the memory of cooldowns too, so that a restart forgets nothing. */
export class EvidenceLog {
  readonly #path: string;
  readonly #key: string;
  readonly #records: LoopRecord[];
  #previous: string;

  /** @throws EnvelopeError when the log that is there was changed, or the key does not fit it */
  constructor(path: string, privateKeyPem: string) {
    this.#path = path;
    this.#key = privateKeyPem;
    const publicKey = createPublicKey(createPrivateKey(privateKeyPem)).export({
      type: "spki",
      format: "pem",
    });
    this.#records = readEvidence(path, publicKey.toString());
    const last = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n").at(-1) : undefined;
    this.#previous = last === undefined || last === "" ? NO_RECORD : hashOf(last);
  }

  /** Everything recorded so far, oldest first. */
  get records(): readonly LoopRecord[] {
    return this.#records;
  }

  /** What was done, for cooldowns; what failed was not done, and asking again is safe because names are fixed. */
  get actions(): readonly PastAction[] {
    const isSame = (a: LoopRecord, b: LoopRecord): boolean =>
      a.loop === b.loop &&
      a.model === b.model &&
      a.fingerprint === b.fingerprint &&
      a.startsAt === b.startsAt;
    return this.#records.filter(
      (record, at) =>
        record.event === "act" &&
        !this.#records.slice(at + 1).some((later) => later.event === "failed" && isSame(later, record)),
    );
  }

  /** Appends a record; it is durable when this returns. */
  append(event: LoopEvent, at: Date): LoopRecord {
    const record: LoopRecord = {
      schema: "llmops.loop/v1",
      at: at.toISOString(),
      ...event,
      previous: this.#previous,
    };
    const line = JSON.stringify(signEnvelope(PAYLOAD_TYPE, record, this.#key));
    const file = openSync(this.#path, "a", 0o600);
    try {
      writeSync(file, `${line}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#previous = hashOf(line);
    this.#records.push(record);
    return record;
  }
}
