import { MAX_LINE_BYTES } from "./chain.ts";

/** One line of a segment with its place. */
export interface SegmentLine {
  readonly kind: "line";
  /** Bytes without the newline. */
  readonly bytes: Buffer;
  /** Byte offset of the first byte. */
  readonly offset: number;
  /** Line number from 1. */
  readonly number: number;
}

/** Bytes at the end of a segment that no newline ends. */
export interface TornTail {
  readonly kind: "torn";
  /** Byte offset of the first byte. */
  readonly offset: number;
  /** Number of bytes. */
  readonly length: number;
  /** Line number the tail would have had. */
  readonly number: number;
}

/** A line over the limit; its bytes were skipped. */
export interface OversizedLine {
  readonly kind: "oversized";
  readonly offset: number;
  readonly length: number;
  readonly number: number;
}

/** Splits blocks into lines in bounded memory (one block plus one line of at most `limit` bytes). */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  limit: number = MAX_LINE_BYTES,
): AsyncGenerator<SegmentLine | TornTail | OversizedLine> {
  let parts: Buffer[] = [];
  let length = 0;
  let offset = 0;
  let number = 1;
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length <= limit) parts.push(part);
    else parts = [];
  };
  for await (const block of source) {
    let start = 0;
    for (;;) {
      const end = block.indexOf(0x0a, start);
      if (end === -1) break;
      keep(block.subarray(start, end));
      if (length > limit) yield { kind: "oversized", offset, length, number };
      else
        yield {
          kind: "line",
          bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts),
          offset,
          number,
        };
      offset += length + 1;
      number += 1;
      parts = [];
      length = 0;
      start = end + 1;
    }
    if (start < block.length) keep(block.subarray(start));
  }
  if (length > 0) yield { kind: "torn", offset, length, number };
}
