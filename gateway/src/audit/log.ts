import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import type { FileLayer } from "./file-layer.ts";
import { nodeFiles } from "./file-layer.ts";
import { lockDirectory } from "./lock.ts";
import type {
  ConfigBody,
  DecisionBody,
  ErasureBody,
  IntentBody,
  OutcomeBody,
  ReviewBody,
  BrakeBody,
} from "./record.ts";
import { isWriterId, segmentIndex, segmentName } from "./segment-name.ts";
import type { CheckpointSigner } from "./signer.ts";
import type { SegmentStore } from "./store.ts";
import { findTail } from "./tail.ts";
import type { ChainTail, TornBytes } from "./tail.ts";
import { GENESIS } from "./chain.ts";
import { AuditUnavailableError, Wal } from "./wal.ts";
import type { RecordPosition } from "./wal.ts";

/** Settings of the audit log. */
export interface AuditLogOptions {
  /** Directory of the write-ahead log. */
  readonly directory: string;
  /** Stable name of this writer (pod name), lower case. */
  readonly name: string;
  /** What happens when a record cannot be made durable. */
  readonly mode: "required" | "best-effort";
  readonly signer: CheckpointSigner;
  /** Where sealed segments go; null keeps them local. */
  readonly store: SegmentStore | null;
  /** Gateway version. */
  readonly version: string;
  /** SHA-256 of the configuration in force. */
  readonly config: string;
  /** @default 16 MiB */
  readonly segmentBytes?: number;
  /** @default 300,000 ms */
  readonly segmentMs?: number;
  /** Records between checkpoints. @default 256 */
  readonly checkpointEvery?: number;
  /** Longest time a record stays without a signed checkpoint, in milliseconds. @default 5,000 ms */
  readonly checkpointMs?: number;
  /** Milliseconds between heartbeats. @default 10,000 ms */
  readonly heartbeatMs?: number;
  /** Milliseconds between two maintenance rounds. @default 500 ms */
  readonly maintenanceMs?: number;
  /** Local bytes above which no new call is taken. @default 4 GiB */
  readonly maxBytes?: number;
  /** Free bytes on the volume below which no new call is taken. @default 64 MiB */
  readonly minFreeBytes?: number;
  readonly files?: FileLayer;
  readonly clock?: Clock;
}

/** Whether a record reached the disk. */
export type Receipt =
  | { readonly kind: "durable"; readonly position: RecordPosition }
  | { readonly kind: "dropped"; readonly reason: string };

/** Whether new calls may be taken. */
export type AuditHealth =
  { readonly kind: "ready" } | { readonly kind: "unavailable"; readonly reason: string };

/** Counters for the metrics page. */
export interface AuditStatistics {
  /** Number of the next record. */
  readonly nextSeq: number;
  /** Syncs so far. */
  readonly flushes: number;
  /** Records after the last signed checkpoint. */
  readonly unsigned: number;
  /** Intents without an outcome. */
  readonly open: number;
  /** Sealed segments not yet in the store. */
  readonly unshipped: number;
  /** Local bytes at the last look. */
  readonly bytes: number;
  /** Records dropped (best-effort only). */
  readonly dropped: number;
}

const DEFAULTS = {
  segmentBytes: 16 * 1024 * 1024,
  segmentMs: 300_000,
  checkpointEvery: 256,
  checkpointMs: 5_000,
  heartbeatMs: 10_000,
  maintenanceMs: 500,
  maxBytes: 4 * 1024 ** 3,
  minFreeBytes: 64 * 1024 * 1024,
} as const;

type Resolved = Required<AuditLogOptions>;

interface Resumed {
  readonly writer: string;
  readonly tail: ChainTail;
  readonly torn: TornBytes | null;
  readonly quarantined: string | null;
}

async function resume(options: Resolved): Promise<Resumed> {
  const { files, directory, name } = options;
  const mine = (await files.list(directory)).filter(
    (entry) => isWriterId(entry) && entry.slice(0, -9) === name,
  );
  const retired = new Set<string>();
  for (const entry of mine) {
    if ((await files.sizeOf(join(directory, entry, "retired"))) !== null) retired.add(entry);
  }
  const current = mine.filter((entry) => !retired.has(entry)).at(-1);
  const fresh = (quarantined: string | null): Resumed => ({
    writer: `${name}-${randomBytes(4).toString("hex")}`,
    tail: { segment: 0, offset: 0, seq: 0, prev: GENESIS, open: new Set() },
    torn: null,
    quarantined,
  });
  if (current === undefined) return fresh(null);
  const found = await findTail(files, join(directory, current));
  switch (found.kind) {
    case "tail":
      return { writer: current, tail: found.tail, torn: found.torn, quarantined: null };
    case "empty":
      return fresh(null);
    case "damaged": {
      const note = await files.openForWriting(join(directory, current, "retired"));
      await note.write(Buffer.from(`segment ${found.segment} offset ${found.offset}: ${found.reason}\n`), 0);
      await note.sync();
      await note.close();
      return fresh(current);
    }
  }
}

function unknownOutcome(id: string, reason: string): OutcomeBody {
  return {
    kind: "outcome",
    id,
    result: "unknown",
    reason,
    status: null,
    served: null,
    attempts: [],
    usage: null,
    cost: null,
    firstByteMs: null,
    ms: null,
    output: null,
    guards: [],
  };
}

/** The audit log of one gateway process: recovery, durable records, heartbeats, checkpoints, sealing and shipping. */
export class AuditLog {
  readonly writer: string;
  readonly #options: Resolved;
  readonly #wal: Wal;
  readonly #unlock: () => Promise<void>;
  readonly #toShip: Set<number>;
  readonly #shipped = new Set<number>();
  readonly #lostOutcomes = new Map<string, string>();
  readonly #rejections = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #maintenance: Promise<void> | null = null;
  #shipping: Promise<void> | null = null;
  #lastHeartbeat: number;
  #lastCheckpoint: number;
  #bytes = 0;
  #pressure: string | null = null;
  #dropped = 0;
  #droppedUnreported = 0;
  #shipError: string | null = null;

  private constructor(
    options: Resolved,
    writer: string,
    wal: Wal,
    unlock: () => Promise<void>,
    shelf: Set<number>,
  ) {
    this.#options = options;
    this.writer = writer;
    this.#wal = wal;
    this.#unlock = unlock;
    this.#toShip = shelf;
    this.#lastHeartbeat = options.clock.monotonic();
    this.#lastCheckpoint = this.#lastHeartbeat;
  }

  /**
   * Opens the log: takes the directory, repairs a torn tail, closes calls a crash left open, and writes the start record.
   * @throws AlreadyLockedError when another process holds the directory.
   * @throws AuditUnavailableError when the first records cannot be made durable.
   */
  static async open(given: AuditLogOptions): Promise<AuditLog> {
    const options: Resolved = { ...DEFAULTS, files: nodeFiles, clock: systemClock, ...given };
    const { files, directory } = options;
    await files.makeDirectory(directory);
    const unlock = await lockDirectory(directory);
    try {
      const { writer, tail, torn, quarantined } = await resume(options);
      const folder = join(directory, writer);
      await files.makeDirectory(folder);
      const shelf = new Set<number>();
      for (const name of await files.list(folder)) {
        const index = segmentIndex(name);
        if (index !== null && index < tail.segment) shelf.add(index);
      }
      if (torn !== null) await cut(files, join(folder, segmentName(tail.segment)), torn.offset);
      const wal = new Wal(
        {
          ...options,
          directory: folder,
          writer,
          onSealed: (segment) => {
            shelf.add(segment);
          },
        },
        tail,
      );
      const log = new AuditLog(options, writer, wal, unlock, shelf);
      await log.#begin(torn, quarantined, [...tail.open]);
      return log;
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  async #begin(
    torn: TornBytes | null,
    quarantined: string | null,
    orphans: readonly string[],
  ): Promise<void> {
    const { version, config, maintenanceMs } = this.#options;
    const records: Promise<RecordPosition>[] = [];
    if (torn !== null) {
      records.push(this.#wal.append({ kind: "recovery", reason: "torn-tail", dropped: 0, ...torn }));
    }
    const start = { kind: "start", boot: randomUUID(), version, config } as const;
    records.push(this.#wal.append(quarantined === null ? start : { ...start, quarantined }));
    for (const id of orphans) records.push(this.#wal.append(unknownOutcome(id, "process-ended")));
    await Promise.all(records);
    await this.#wal.checkpoint();
    await this.#measure();
    await this.#ship();
    this.#timer = setInterval(() => {
      void this.maintain();
      void this.#ship();
    }, maintenanceMs);
    this.#timer.unref();
  }

  /** Whether new calls may be taken; `best-effort` is always ready. */
  get health(): AuditHealth {
    if (this.#options.mode === "best-effort") return { kind: "ready" };
    const { state } = this.#wal;
    if (state.kind === "failed") return { kind: "unavailable", reason: state.reason };
    if (this.#pressure !== null) return { kind: "unavailable", reason: this.#pressure };
    return { kind: "ready" };
  }

  /** Counters for the metrics page. */
  get statistics(): AuditStatistics {
    return {
      nextSeq: this.#wal.nextSeq,
      flushes: this.#wal.flushes,
      unsigned: this.#wal.unsigned,
      open: this.#wal.openIntents.size,
      unshipped: this.#toShip.size - this.#shipped.size,
      bytes: this.#bytes,
      dropped: this.#dropped,
    };
  }

  /** Why the last shipment failed, or null. */
  get shipError(): string | null {
    return this.#shipError;
  }

  /**
   * Records that a call is about to go upstream; send nothing before this resolves.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  async intent(body: IntentBody): Promise<Receipt> {
    if (this.#pressure !== null) return this.#refuse(new AuditUnavailableError(this.#pressure));
    return this.#record(body);
  }

  /**
   * Records how a call ended; send nothing final before this resolves.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  async outcome(body: OutcomeBody): Promise<Receipt> {
    try {
      const position = await this.#wal.append(body);
      return { kind: "durable", position };
    } catch (error) {
      this.#lostOutcomes.set(body.id, "outcome-not-durable");
      return this.#refuse(error);
    }
  }

  /**
   * Records a request of a known client that ended without an upstream call.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  decision(body: DecisionBody): Promise<Receipt> {
    return this.#record(body);
  }

  /**
   * Records a configuration change.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  configuration(body: ConfigBody): Promise<Receipt> {
    return this.#record(body);
  }

  /**
   * Records that content keys were destroyed.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  erasure(body: ErasureBody): Promise<Receipt> {
    return this.#record(body);
  }

  /**
   * Records what a person decided about a request.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  review(body: ReviewBody): Promise<Receipt> {
    return this.#record(body);
  }

  /**
   * Records that models were stopped, throttled or released.
   * @throws AuditUnavailableError in `required` mode when it cannot be made durable.
   */
  brake(body: BrakeBody): Promise<Receipt> {
    return this.#record(body);
  }

  /** Counts a request turned away before its caller was known; written in the next maintenance round. */
  reject(reason: string): void {
    this.#rejections.set(reason, (this.#rejections.get(reason) ?? 0) + 1);
  }

  async #record(
    body: IntentBody | DecisionBody | ConfigBody | ErasureBody | ReviewBody | BrakeBody,
  ): Promise<Receipt> {
    try {
      return { kind: "durable", position: await this.#wal.append(body) };
    } catch (error) {
      return this.#refuse(error);
    }
  }

  #refuse(error: unknown): Receipt {
    const failure =
      error instanceof AuditUnavailableError ? error : new AuditUnavailableError(String(error), error);
    if (this.#options.mode === "required") throw failure;
    this.#dropped += 1;
    this.#droppedUnreported += 1;
    return { kind: "dropped", reason: failure.message };
  }

  /** One round of repair, heartbeat, checkpoint and measurement; runs by itself on a timer. */
  async maintain(): Promise<void> {
    this.#maintenance ??= this.#round().finally(() => {
      this.#maintenance = null;
    });
    await this.#maintenance;
  }

  async #round(): Promise<void> {
    try {
      if (this.#wal.state.kind === "failed") await this.#wal.revive();
      await this.#report();
      await this.#beat();
      await this.#measure();
    } catch (error) {
      if (!(error instanceof AuditUnavailableError)) this.#pressure = `maintenance failed: ${String(error)}`;
    }
  }

  async #report(): Promise<void> {
    for (const [id, reason] of [...this.#lostOutcomes]) {
      if (this.#wal.openIntents.has(id)) await this.#wal.append(unknownOutcome(id, reason));
      this.#lostOutcomes.delete(id);
    }
    if (this.#droppedUnreported > 0) {
      const dropped = this.#droppedUnreported;
      this.#droppedUnreported = 0;
      await this.#wal.append({
        kind: "recovery",
        reason: "dropped-records",
        bytes: 0,
        offset: 0,
        sha256: "",
        dropped,
      });
    }
    if (this.#rejections.size > 0) {
      const counts = Object.fromEntries(this.#rejections);
      await this.#wal.append({ kind: "rejections", counts });
      for (const [reason, count] of Object.entries(counts)) {
        const left = (this.#rejections.get(reason) ?? 0) - count;
        if (left > 0) this.#rejections.set(reason, left);
        else this.#rejections.delete(reason);
      }
    }
  }

  async #beat(): Promise<void> {
    const { clock, heartbeatMs, checkpointMs } = this.#options;
    const now = clock.monotonic();
    if (now - this.#lastHeartbeat >= heartbeatMs) {
      await this.#wal.append({ kind: "heartbeat", open: this.#wal.openIntents.size });
      this.#lastHeartbeat = now;
    }
    if (now - this.#lastCheckpoint >= checkpointMs) {
      await this.#wal.checkpoint();
      this.#lastCheckpoint = now;
    }
  }

  async #measure(): Promise<void> {
    const { files, directory, maxBytes, minFreeBytes } = this.#options;
    const folder = join(directory, this.writer);
    let bytes = 0;
    for (const name of await files.list(folder)) bytes += (await files.sizeOf(join(folder, name))) ?? 0;
    this.#bytes = bytes;
    const free = await files.freeBytes(directory);
    this.#pressure =
      bytes > maxBytes ? "local log over its limit" : free < minFreeBytes ? "volume almost full" : null;
  }

  /** Ships what is sealed, apart from the maintenance, so that a store that does not answer delays no heartbeat. */
  async #ship(): Promise<void> {
    this.#shipping ??= this.#shipSealed().finally(() => {
      this.#shipping = null;
    });
    await this.#shipping;
  }

  async #shipSealed(): Promise<void> {
    const { store, files, directory } = this.#options;
    if (store === null) return;
    const folder = join(directory, this.writer);
    for (const segment of [...this.#toShip].sort((a, b) => a - b)) {
      const path = join(folder, segmentName(segment));
      try {
        if (!this.#shipped.has(segment)) await store.put(this.writer, segment, path);
        this.#shipped.add(segment);
        const linked =
          this.#wal.segment > segment + 1 ||
          (this.#wal.segment === segment + 1 && this.#wal.segmentBytes > 0);
        if (linked) {
          this.#toShip.delete(segment);
          this.#shipped.delete(segment);
          await files.remove(path);
        }
        this.#shipError = null;
      } catch (error) {
        this.#shipError = error instanceof Error ? error.message : String(error);
        return;
      }
    }
  }

  /** Writes the stop record, seals and ships, and gives the directory back. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#maintenance;
    await this.#shipping;
    try {
      if (this.#wal.state.kind === "failed") await this.#wal.revive();
      await this.#report();
      for (const id of [...this.#wal.openIntents])
        await this.#wal.append(unknownOutcome(id, "gateway-stopped"));
      await this.#wal.close();
      await this.#ship();
    } finally {
      await this.#unlock();
    }
  }
}

async function cut(files: FileLayer, path: string, offset: number): Promise<void> {
  const file = await files.openForWriting(path);
  try {
    await file.truncate(offset);
    await file.sync();
  } finally {
    await file.close();
  }
}
