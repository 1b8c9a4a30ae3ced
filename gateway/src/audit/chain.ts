import { hash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { AuditRecord } from "./record.ts";

/** `prev` of the first record of a chain. */
export const GENESIS = "0".repeat(64);

/** Longest line accepted, in bytes; longer ones are refused when written and reported when read. */
export const MAX_LINE_BYTES = 1024 * 1024;

const OPENING = '{"hash":"';
const MIDDLE = '","record":';
const HASH_END = OPENING.length + 64;
const RECORD_START = HASH_END + MIDDLE.length;
const HEX_64 = /^[0-9a-f]{64}$/;

/** One encoded record. */
export interface EncodedRecord {
  /** The line with its newline; it is canonical JSON itself. */
  readonly line: string;
  /** SHA-256 (hex) of the canonical record. */
  readonly hash: string;
}

/** What is wrong with a line, before its place in the chain is looked at. */
export type LineFault = "malformed" | "hash-mismatch" | "not-canonical";

/** A line that could be read, with the fault it carries if any. */
export type DecodedLine =
  | { readonly kind: "record"; readonly hash: string; readonly record: AuditRecord }
  | {
      readonly kind: "faulty";
      readonly fault: LineFault;
      readonly hash: string;
      readonly record: AuditRecord;
    }
  | { readonly kind: "unreadable"; readonly fault: "malformed" };

/** SHA-256 in hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data);
}

/**
 * Encodes a record as one line of a segment.
 * @throws NotCanonicalError when the record has no canonical form.
 */
export function encodeRecord(record: AuditRecord): EncodedRecord {
  const text = canonicalJson(record);
  const hash = sha256Hex(text);
  return { line: `${OPENING}${hash}${MIDDLE}${text}}\n`, hash };
}

function isRecordShaped(value: unknown): value is AuditRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<string, unknown>;
  const body = record["body"];
  return (
    record["v"] === 1 &&
    typeof record["writer"] === "string" &&
    Number.isSafeInteger(record["seq"]) &&
    typeof record["prev"] === "string" &&
    typeof record["ts"] === "string" &&
    typeof record["mono"] === "number" &&
    typeof body === "object" &&
    body !== null &&
    typeof (body as Record<string, unknown>)["kind"] === "string"
  );
}

/** Decodes one line without its newline; the hash is checked over the stored bytes, not over a re-serialisation. */
export function decodeLine(line: Buffer): DecodedLine {
  const text = line.toString("utf8");
  const hash = text.slice(OPENING.length, HASH_END);
  const framed =
    text.startsWith(OPENING) &&
    HEX_64.test(hash) &&
    text.startsWith(MIDDLE, HASH_END) &&
    text.endsWith("}") &&
    Buffer.byteLength(text) === line.length;
  if (!framed) return { kind: "unreadable", fault: "malformed" };
  const recordText = text.slice(RECORD_START, -1);
  let parsed: unknown;
  try {
    parsed = JSON.parse(recordText);
  } catch {
    return { kind: "unreadable", fault: "malformed" };
  }
  if (!isRecordShaped(parsed)) return { kind: "unreadable", fault: "malformed" };
  if (sha256Hex(recordText) !== hash) return { kind: "faulty", fault: "hash-mismatch", hash, record: parsed };
  if (!isCanonical(parsed, recordText))
    return { kind: "faulty", fault: "not-canonical", hash, record: parsed };
  return { kind: "record", hash, record: parsed };
}

function isCanonical(value: unknown, text: string): boolean {
  try {
    return canonicalJson(value) === text;
  } catch {
    return false;
  }
}
