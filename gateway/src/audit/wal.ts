import { join } from "node:path";
import { encodeRecord, MAX_LINE_BYTES } from "./chain.ts";
import type { Clock } from "./clock.ts";
import type { FileLayer, OpenFile } from "./file-layer.ts";
import type { AuditRecord, CheckpointBody, RecordBody, RecordHeader } from "./record.ts";
import { segmentName } from "./segment-name.ts";
import type { CheckpointSigner } from "./signer.ts";
import { checkpointAt } from "./signer.ts";
import type { ChainTail } from "./tail.ts";

/** Raised when a record could not be made durable; nothing may go on as if it had been. */
export class AuditUnavailableError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`the audit log cannot take records: ${reason}`, { cause });
    this.name = "AuditUnavailableError";
  }
}

/** Place of a durable record. */
export interface RecordPosition {
  readonly writer: string;
  readonly segment: number;
  readonly seq: number;
  /** SHA-256 of the record. */
  readonly hash: string;
}

/** Settings of the write-ahead log. */
export interface WalSettings {
  /** Directory of this writer. */
  readonly directory: string;
  /** Writer id. */
  readonly writer: string;
  readonly files: FileLayer;
  readonly clock: Clock;
  readonly signer: CheckpointSigner;
  /** Size after which a segment is sealed, in bytes. */
  readonly segmentBytes: number;
  /** Age after which a segment is sealed, in milliseconds. */
  readonly segmentMs: number;
  /** Records between two signed checkpoints. */
  readonly checkpointEvery: number;
  /** Called after a segment was sealed. */
  readonly onSealed: (segment: number) => void;
}

/** Whether the log takes records. */
export type WalState = { readonly kind: "healthy" } | { readonly kind: "failed"; readonly reason: string };

interface Pending {
  readonly body: RecordBody;
  readonly now: number;
  readonly mono: number;
  readonly resolve: (position: RecordPosition) => void;
  readonly reject: (error: unknown) => void;
}

interface Cursor {
  readonly segment: number;
  readonly offset: number;
  readonly seq: number;
  readonly prev: string;
  readonly sinceCheckpoint: number;
}

const MAX_BATCH_RECORDS = 1024;
const MAX_BATCH_BYTES = 4 * MAX_LINE_BYTES;

function describe(error: unknown): string {
  if (error instanceof Error) return "code" in error ? String(error.code) : error.message;
  return String(error);
}

/** Builds the bytes of one batch and follows the chain while doing so; nothing is kept when the write fails. */
class Batch {
  readonly positions: RecordPosition[] = [];
  readonly #lines: string[] = [];
  readonly #settings: WalSettings;
  #cursor: Cursor;
  #bytes = 0;

  constructor(settings: WalSettings, cursor: Cursor) {
    this.#settings = settings;
    this.#cursor = cursor;
  }

  get cursor(): Cursor {
    return { ...this.#cursor, offset: this.#cursor.offset + this.#bytes };
  }

  get bytes(): number {
    return this.#bytes;
  }

  get buffer(): Buffer {
    return Buffer.from(this.#lines.join(""), "utf8");
  }

  #header(now: number, mono: number): RecordHeader {
    const { seq, prev } = this.#cursor;
    const ts = new Date(now).toISOString();
    return { v: 1, writer: this.#settings.writer, seq, prev, ts, mono: Math.round(mono * 1000) / 1000 };
  }

  #push(record: AuditRecord, sinceCheckpoint: number): RecordPosition {
    const { line, hash } = encodeRecord(record);
    const size = Buffer.byteLength(line);
    if (size > MAX_LINE_BYTES) throw new RangeError(`a record of ${size} bytes is over the limit`);
    this.#lines.push(line);
    this.#bytes += size;
    const { segment, seq } = this.#cursor;
    this.#cursor = { ...this.#cursor, seq: seq + 1, prev: hash, sinceCheckpoint };
    return { writer: this.#settings.writer, segment, seq, hash };
  }

  add(body: RecordBody, now: number, mono: number): RecordPosition {
    return this.#push({ ...this.#header(now, mono), body }, this.#cursor.sinceCheckpoint + 1);
  }

  checkpoint(reason: CheckpointBody["reason"], now: number, mono: number): void {
    this.#push(checkpointAt(this.#header(now, mono), reason, this.#settings.signer), 0);
  }
}

/**
 * Hash-chained write-ahead log of one writer. Records that arrive while a sync is running share the next one (group
 * commit); a promise resolves only after its record is durable. After a failed write the log refuses records until
 * `revive` has cut what was not durable.
 */
export class Wal {
  readonly #settings: WalSettings;
  readonly #open: Set<string>;
  #cursor: Cursor;
  #file: OpenFile | null = null;
  #segmentStarted: number;
  #queue: Pending[] = [];
  #running: Promise<void> | null = null;
  #failure: string | null = null;
  #closed = false;
  #flushes = 0;

  constructor(settings: WalSettings, tail: ChainTail) {
    this.#settings = settings;
    this.#open = new Set(tail.open);
    this.#segmentStarted = settings.clock.monotonic();
    const { segment, offset, seq, prev } = tail;
    this.#cursor = { segment, offset, seq, prev, sinceCheckpoint: 0 };
  }

  /** Whether records are taken. */
  get state(): WalState {
    return this.#failure === null ? { kind: "healthy" } : { kind: "failed", reason: this.#failure };
  }

  /** Intents without an outcome. */
  get openIntents(): ReadonlySet<string> {
    return this.#open;
  }

  /** Segment being written. */
  get segment(): number {
    return this.#cursor.segment;
  }

  /** Durable bytes of the segment being written. */
  get segmentBytes(): number {
    return this.#cursor.offset;
  }

  /** Records after the last signed checkpoint. */
  get unsigned(): number {
    return this.#cursor.sinceCheckpoint;
  }

  /** Syncs done so far; many records share one. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Number of the next record. */
  get nextSeq(): number {
    return this.#cursor.seq;
  }

  /**
   * Appends a record and waits until it is durable.
   * @throws AuditUnavailableError when it cannot be made durable.
   */
  append(body: RecordBody): Promise<RecordPosition> {
    if (this.#closed) return Promise.reject(new AuditUnavailableError("closed"));
    if (this.#failure !== null) return Promise.reject(new AuditUnavailableError(this.#failure));
    const { clock } = this.#settings;
    const stamp = { now: clock.now(), mono: clock.monotonic() };
    return new Promise((resolve, reject) => {
      this.#queue.push({ body, ...stamp, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Writes a signed checkpoint when records have come since the last one. */
  async checkpoint(): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#cursor.sinceCheckpoint === 0) return;
      const batch = new Batch(this.#settings, this.#cursor);
      const { clock } = this.#settings;
      batch.checkpoint("interval", clock.now(), clock.monotonic());
      await this.#write(batch);
    });
  }

  /**
   * Cuts what a failed write may have left, and says so in the chain.
   * @throws AuditUnavailableError when the disk still refuses.
   */
  async revive(): Promise<void> {
    if (this.#failure === null || this.#closed) return;
    await this.#running;
    const { segment, offset } = this.#cursor;
    try {
      await this.#file?.close().catch(() => undefined);
      this.#file = null;
      const file = await this.#openSegment();
      const size = await file.size();
      if (size < offset) throw new Error(`segment ${segment} lost durable bytes: ${size} of ${offset} left`);
      await file.truncate(offset);
      this.#failure = null;
      await this.append({
        kind: "recovery",
        reason: "write-failed",
        bytes: size - offset,
        offset,
        sha256: "",
        dropped: 0,
      });
    } catch (error) {
      this.#failure = describe(error);
      throw new AuditUnavailableError(this.#failure, error);
    }
  }

  /** Writes the last record, seals the segment and closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.append({ kind: "stop" });
      await this.#exclusively(() => this.#seal());
    } finally {
      this.#closed = true;
      await this.#running;
      await this.#file?.close().catch(() => undefined);
      this.#file = null;
    }
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    while (this.#running !== null) await this.#running;
    if (this.#failure !== null) throw new AuditUnavailableError(this.#failure);
    let failed: unknown = null;
    this.#running = work()
      .catch((error: unknown) => {
        failed = error;
        this.#failure = describe(error);
      })
      .then(() => {
        this.#running = this.#queue.length > 0 ? this.#drain() : null;
      });
    await this.#running;
    if (failed !== null) throw new AuditUnavailableError(describe(failed), failed);
  }

  async #drain(): Promise<void> {
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const taken = this.#queue.splice(0, MAX_BATCH_RECORDS);
      try {
        if (this.#failure !== null) throw new Error(this.#failure);
        await this.#commit(taken);
      } catch (error) {
        this.#failure ??= describe(error);
        const refused = [...taken, ...this.#queue.splice(0)];
        for (const pending of refused) pending.reject(new AuditUnavailableError(this.#failure, error));
      }
    }
    this.#running = null;
  }

  async #commit(taken: readonly Pending[]): Promise<void> {
    const { segmentBytes, segmentMs, clock, checkpointEvery } = this.#settings;
    const aged = clock.monotonic() - this.#segmentStarted >= segmentMs;
    if (this.#cursor.offset > 0 && (this.#cursor.offset >= segmentBytes || aged)) await this.#seal();
    let batch = new Batch(this.#settings, this.#cursor);
    let settled: { readonly pending: Pending; readonly position: RecordPosition }[] = [];
    const flush = async (): Promise<void> => {
      if (batch.cursor.sinceCheckpoint >= checkpointEvery) {
        batch.checkpoint("interval", clock.now(), clock.monotonic());
      }
      await this.#write(batch);
      for (const { pending, position } of settled) {
        this.#track(pending.body);
        pending.resolve(position);
      }
      settled = [];
      batch = new Batch(this.#settings, this.#cursor);
    };
    for (const pending of taken) {
      if (batch.cursor.offset === 0) {
        batch.add(
          { kind: "segment", index: this.#cursor.segment, open: [...this.#open].sort() },
          pending.now,
          pending.mono,
        );
      }
      let position: RecordPosition;
      try {
        position = batch.add(pending.body, pending.now, pending.mono);
      } catch (error) {
        pending.reject(new AuditUnavailableError(`the record has no stored form: ${describe(error)}`, error));
        continue;
      }
      settled.push({ pending, position });
      if (batch.bytes >= MAX_BATCH_BYTES) await flush();
    }
    if (batch.bytes > 0) await flush();
  }

  #track(body: RecordBody): void {
    if (body.kind === "intent") this.#open.add(body.id);
    if (body.kind === "outcome") this.#open.delete(body.id);
  }

  async #openSegment(): Promise<OpenFile> {
    const { files, directory } = this.#settings;
    const file = await files.openForWriting(join(directory, segmentName(this.#cursor.segment)));
    if (this.#cursor.offset === 0) {
      await file.truncate(0);
      await files.syncDirectory(directory);
    }
    this.#file = file;
    return file;
  }

  async #write(batch: Batch): Promise<void> {
    const file = this.#file ?? (await this.#openSegment());
    await file.write(batch.buffer, this.#cursor.offset);
    await file.sync();
    this.#flushes += 1;
    this.#cursor = batch.cursor;
  }

  async #seal(): Promise<void> {
    const { clock } = this.#settings;
    const batch = new Batch(this.#settings, this.#cursor);
    batch.checkpoint("seal", clock.now(), clock.monotonic());
    await this.#write(batch);
    const sealed = this.#cursor.segment;
    const file = this.#file;
    this.#file = null;
    this.#segmentStarted = clock.monotonic();
    this.#cursor = { ...this.#cursor, segment: sealed + 1, offset: 0 };
    this.#settings.onSealed(sealed);
    await file?.close();
  }
}
