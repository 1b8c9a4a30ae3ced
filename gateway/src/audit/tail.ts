import { createHash } from "node:crypto";
import { join } from "node:path";
import { decodeLine, GENESIS } from "./chain.ts";
import type { FileLayer } from "./file-layer.ts";
import { readLines } from "./lines.ts";
import type { AuditRecord } from "./record.ts";
import { segmentIndex, segmentName } from "./segment-name.ts";

/** Bytes that must be cut before the chain can go on. */
export interface TornBytes {
  /** Byte offset at which they start. */
  readonly offset: number;
  /** Number of bytes. */
  readonly bytes: number;
  /** SHA-256 of the bytes. */
  readonly sha256: string;
}

/** Where the next record of a chain goes. */
export interface ChainTail {
  /** Segment to write to. */
  readonly segment: number;
  /** Length of the valid part of that segment, in bytes. */
  readonly offset: number;
  /** Number of the next record. */
  readonly seq: number;
  /** Hash of the last record. */
  readonly prev: string;
  /** Intents without an outcome. */
  readonly open: ReadonlySet<string>;
}

/** What a restart finds in the directory of a writer. */
export type FoundChain =
  | { readonly kind: "empty" }
  | { readonly kind: "tail"; readonly tail: ChainTail; readonly torn: TornBytes | null }
  | { readonly kind: "damaged"; readonly segment: number; readonly offset: number; readonly reason: string };

interface Scan {
  readonly offset: number;
  readonly last: { readonly record: AuditRecord; readonly hash: string } | null;
  readonly open: ReadonlySet<string>;
  readonly fault: "none" | "tail" | "middle";
}

function track(record: AuditRecord, open: Set<string>): void {
  const { body } = record;
  if (body.kind === "segment") for (const id of body.open) open.add(id);
  if (body.kind === "intent") open.add(body.id);
  if (body.kind === "outcome") open.delete(body.id);
}

async function scan(files: FileLayer, path: string): Promise<Scan> {
  const open = new Set<string>();
  let last: Scan["last"] = null;
  let offset = 0;
  let fault: Scan["fault"] = "none";
  for await (const line of readLines(files.blocks(path))) {
    const decoded = line.kind === "line" ? decodeLine(line.bytes) : null;
    const fits =
      decoded?.kind === "record" &&
      (last === null || (decoded.record.seq === last.record.seq + 1 && decoded.record.prev === last.hash));
    if (fault === "none" && fits && line.kind === "line") {
      track(decoded.record, open);
      last = { record: decoded.record, hash: decoded.hash };
      offset = line.offset + line.bytes.length + 1;
      continue;
    }
    fault = fault !== "none" && decoded?.kind === "record" ? "middle" : fault === "none" ? "tail" : fault;
    if (decoded?.kind === "record" || decoded?.kind === "faulty") fault = "middle";
  }
  return { offset, last, open, fault };
}

async function tornBytes(files: FileLayer, path: string, offset: number): Promise<TornBytes> {
  const hash = createHash("sha256");
  let position = 0;
  for await (const block of files.blocks(path)) {
    const from = Math.max(0, offset - position);
    if (from < block.length) hash.update(block.subarray(from));
    position += block.length;
  }
  return { offset, bytes: position - offset, sha256: hash.digest("hex") };
}

function isSealed(record: AuditRecord): boolean {
  return record.body.kind === "checkpoint" && record.body.reason === "seal";
}

/**
 * Finds where a chain can go on. Bytes after the last whole record are a torn write; a whole record after a broken
 * one is damage, because no interrupted append leaves that behind.
 */
export async function findTail(files: FileLayer, directory: string): Promise<FoundChain> {
  const indexes = (await files.list(directory)).map(segmentIndex).filter((index) => index !== null);
  const latest = indexes.at(-1);
  if (latest === undefined) return { kind: "empty" };
  const path = join(directory, segmentName(latest));
  const found = await scan(files, path);
  if (found.fault === "middle") {
    return {
      kind: "damaged",
      segment: latest,
      offset: found.offset,
      reason: "whole records follow a broken one",
    };
  }
  const torn = found.fault === "tail" ? await tornBytes(files, path, found.offset) : null;
  if (found.last !== null) {
    const next = { seq: found.last.record.seq + 1, prev: found.last.hash, open: found.open };
    if (!isSealed(found.last.record)) {
      return { kind: "tail", tail: { segment: latest, offset: found.offset, ...next }, torn };
    }
    if (torn !== null) {
      return {
        kind: "damaged",
        segment: latest,
        offset: found.offset,
        reason: "bytes follow a sealed segment",
      };
    }
    return { kind: "tail", tail: { segment: latest + 1, offset: 0, ...next }, torn: null };
  }
  if (latest === 0) {
    const tail: ChainTail = { segment: 0, offset: 0, seq: 0, prev: GENESIS, open: new Set() };
    return { kind: "tail", tail, torn };
  }
  const before = indexes.includes(latest - 1)
    ? await scan(files, join(directory, segmentName(latest - 1)))
    : null;
  if (before?.last == null || before.fault !== "none" || !isSealed(before.last.record)) {
    return {
      kind: "damaged",
      segment: latest,
      offset: 0,
      reason: "the segment before it is missing or not sealed",
    };
  }
  const { record, hash } = before.last;
  const tail: ChainTail = { segment: latest, offset: 0, seq: record.seq + 1, prev: hash, open: before.open };
  return { kind: "tail", tail, torn };
}
