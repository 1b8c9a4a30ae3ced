import { decodeLine } from "../audit/chain.ts";
import { readLines } from "../audit/lines.ts";
import type { AuditRecord } from "../audit/record.ts";
import type { SegmentCopy } from "../audit/segments.ts";
import { findChains, segmentPlace } from "../audit/segments.ts";

/** A record with the line it was read from. */
export interface StoredRecord {
  readonly record: AuditRecord;
  /** The line as stored, without its newline. */
  readonly line: string;
}

/** Reads every readable record of all chains at the addresses; says nothing about whether they are intact. */
export async function* readRecords(addresses: readonly string[]): AsyncGenerator<StoredRecord> {
  for (const { segments } of await findChains(await Promise.all(addresses.map(segmentPlace)))) {
    for (const { copies } of segments) {
      const { source, path } = copies[0] as SegmentCopy;
      for await (const line of readLines(source.blocks(path))) {
        if (line.kind !== "line") continue;
        const decoded = decodeLine(line.bytes);
        if (decoded.kind === "record") yield { record: decoded.record, line: line.bytes.toString("utf8") };
      }
    }
  }
}

/** Which records are wanted; every given member must fit. */
export interface RecordFilter {
  readonly kind?: string;
  readonly id?: string;
  readonly client?: string;
  readonly tenant?: string;
  readonly model?: string;
  readonly result?: string;
  readonly trace?: string;
  /** First moment, ISO 8601. */
  readonly from?: string;
  /** First moment that is too late, ISO 8601. */
  readonly to?: string;
}

const MEMBERS = ["kind", "id", "client", "tenant", "model", "result", "trace"] as const;

/** Whether a record fits a filter. */
export function fits(record: AuditRecord, filter: RecordFilter): boolean {
  if (filter.from !== undefined && Date.parse(record.ts) < Date.parse(filter.from)) return false;
  if (filter.to !== undefined && Date.parse(record.ts) >= Date.parse(filter.to)) return false;
  const body: Readonly<Record<string, unknown>> = { ...record.body };
  return MEMBERS.every((member) => filter[member] === undefined || body[member] === filter[member]);
}
