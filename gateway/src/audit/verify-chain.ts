import { decodeLine, GENESIS } from "./chain.ts";
import type { Finding, FindingKind, FindingPlace } from "./findings.ts";
import { FINDING_SEVERITY } from "./findings.ts";
import type { OversizedLine, SegmentLine, TornTail } from "./lines.ts";
import type { AuditRecord, CheckpointBody, RecordHeader } from "./record.ts";
import type { TrustedKeys } from "./signer.ts";
import { checkCheckpoint } from "./signer.ts";

/** A place in a chain that is known from elsewhere, for example an earlier verification. */
export interface Anchor {
  readonly writer: string;
  readonly seq: number;
  /** SHA-256 of the record. */
  readonly hash: string;
}

/** How a chain is judged. */
export interface ChainRules {
  /** Public keys; without any, signatures stay unproven. */
  readonly trusted: TrustedKeys;
  /** Whether the oldest segments may be gone because their retention ended. */
  readonly beginning: "required" | "may-have-expired";
  /** Whether the writer is stopped or still running. */
  readonly writer: "at-rest" | "live";
  readonly anchors: readonly Anchor[];
  /** Most findings kept per chain; all are counted. */
  readonly maxFindings: number;
}

/** What was read of one chain. */
export interface ChainSummary {
  readonly writer: string;
  readonly segments: number;
  readonly records: number;
  /** Records covered by a valid signature. */
  readonly signed: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** Hash of the last record. */
  readonly head: string | null;
  /** Wall clock of the last record. */
  readonly lastTs: string | null;
  readonly intents: number;
  readonly outcomes: number;
  readonly unknownOutcomes: number;
  readonly decisions: number;
  readonly openIntents: number;
  readonly end: "stopped" | "open";
  readonly errors: number;
  readonly warnings: number;
}

interface Opened {
  readonly place: FindingPlace;
  readonly boot: number;
}

const CLOCK_TOLERANCE_MS = 2_000;

/** Checks one chain record by record; memory grows with the number of open intents only. */
export class ChainVerifier {
  readonly findings: Finding[] = [];
  readonly #writer: string;
  readonly #rules: ChainRules;
  readonly #anchors: Map<number, Anchor>;
  readonly #open = new Map<string, Opened>();
  #segment = -1;
  #segments = 0;
  #firstLine = true;
  #sealed = false;
  #follows = true;
  #expected: { readonly seq: number; readonly prev: string } | null = null;
  #records = 0;
  #signed = 0;
  #firstSeq: number | null = null;
  #head: string | null = null;
  #last: RecordHeader | null = null;
  /** Last record whose clocks can be compared with the next one's. */
  #clocked: RecordHeader | null = null;
  #boot = 0;
  #stopped = false;
  #jumped = false;
  #intents = 0;
  #outcomes = 0;
  #unknown = 0;
  #decisions = 0;
  #errors = 0;
  #warnings = 0;

  constructor(writer: string, rules: ChainRules) {
    this.#writer = writer;
    this.#rules = rules;
    this.#anchors = new Map(rules.anchors.filter((a) => a.writer === writer).map((a) => [a.seq, a]));
  }

  #report(kind: FindingKind, detail: string, place: Partial<FindingPlace> = {}): void {
    const severity = FINDING_SEVERITY[kind];
    if (severity === "error") this.#errors += 1;
    else this.#warnings += 1;
    if (this.findings.length >= this.#rules.maxFindings) return;
    const whole = { writer: this.#writer, segment: null, line: null, offset: null, seq: null };
    this.findings.push({ kind, severity, place: { ...whole, ...place }, detail });
  }

  /** Reports that two stores hold different bytes for one segment. */
  conflict(segment: number, detail: string): void {
    this.#report("conflicting-copy", detail, { segment });
  }

  /** Announces the next segment file. */
  beginSegment(index: number): void {
    this.#follows = index === this.#segment + 1;
    if (this.#segments === 0) {
      if (index > 0 && this.#rules.beginning === "required") {
        this.#report("missing-beginning", `the first segment found is ${index}`, { segment: index });
      }
      if (index === 0) this.#expected = { seq: 0, prev: GENESIS };
    } else {
      if (index !== this.#segment + 1) {
        const last = index - 1;
        this.#report("missing-segment", `segments ${this.#segment + 1} to ${last} are missing`, {
          segment: index,
        });
      }
      if (!this.#sealed) {
        const segment = this.#segment;
        this.#report("unsealed-segment", "a later segment exists and this one does not end in a seal", {
          segment,
        });
      }
    }
    this.#segment = index;
    this.#segments += 1;
    this.#firstLine = true;
    this.#sealed = false;
  }

  /** Takes the next line of the segment. */
  line(line: SegmentLine | TornTail | OversizedLine): void {
    const place = { segment: this.#segment, line: line.number, offset: line.offset };
    if (this.#sealed) this.#report("after-seal", "bytes follow the seal of this segment", place);
    if (line.kind === "torn") {
      this.#report("torn-tail", `${line.length} bytes without an end of line`, place);
      return;
    }
    if (line.kind === "oversized") {
      this.#report("oversized-line", `${line.length} bytes in one line`, place);
      this.#expected = null;
      return;
    }
    const decoded = decodeLine(line.bytes);
    if (decoded.kind === "unreadable") {
      this.#report("malformed", "the line is not a record", place);
      this.#expected = this.#expected && { seq: this.#expected.seq + 1, prev: "" };
      this.#firstLine = false;
      return;
    }
    const at = { ...place, seq: decoded.record.seq };
    if (decoded.kind === "faulty") {
      const edited = decoded.fault === "hash-mismatch";
      const detail = edited ? "the record does not match its hash" : "the record is not in canonical form";
      this.#report(edited ? "edited" : "not-canonical", detail, at);
    }
    this.#link(decoded.record, decoded.hash, at);
    this.#meaning(decoded.record, at);
    this.#firstLine = false;
  }

  #link(record: AuditRecord, hash: string, at: Partial<FindingPlace>): void {
    if (record.writer !== this.#writer) this.#report("foreign-record", `written by ${record.writer}`, at);
    const expected = this.#expected;
    if (expected !== null && record.seq > expected.seq) {
      this.#report("gap", `records ${expected.seq} to ${record.seq - 1} are missing`, at);
    } else if (expected !== null && record.seq < expected.seq) {
      this.#report("out-of-order", `record ${expected.seq} was expected here`, at);
    } else if (expected !== null && expected.prev !== "" && record.prev !== expected.prev) {
      this.#report(
        "chain-broken",
        "the hash of the record before it differs: one of the two was changed",
        at,
      );
    }
    const anchor = this.#anchors.get(record.seq);
    if (anchor !== undefined) {
      this.#anchors.delete(record.seq);
      if (anchor.hash !== hash) this.#report("anchor-missing", "the record differs from the known one", at);
    }
    this.#expected = { seq: record.seq + 1, prev: hash };
    this.#firstSeq ??= record.seq;
    this.#head = hash;
    this.#records += 1;
    this.#clock(record, at);
    this.#last = record;
  }

  #clock(record: AuditRecord, at: Partial<FindingPlace>): void {
    // Segment headers and recoveries may come from the next process, whose monotonic clock started anew.
    if (record.body.kind === "segment" || record.body.kind === "recovery") return;
    const before = this.#clocked;
    this.#clocked = record;
    if (before === null || record.body.kind === "start" || record.mono < before.mono) return;
    const wall = Date.parse(record.ts) - Date.parse(before.ts);
    const mono = record.mono - before.mono;
    const jumped = !(Math.abs(wall - mono) <= CLOCK_TOLERANCE_MS);
    if (jumped && !this.#jumped) {
      this.#report("clock-jump", `wall clock moved ${wall} ms while ${Math.round(mono)} ms passed`, at);
    }
    this.#jumped = jumped;
  }

  #meaning(record: AuditRecord, at: Partial<FindingPlace>): void {
    const { body } = record;
    if (this.#firstLine && body.kind !== "segment") {
      this.#report("segment-header", "the first record of a segment names the segment", at);
    }
    if (this.#stopped && body.kind !== "checkpoint" && body.kind !== "segment") this.#stopped = false;
    switch (body.kind) {
      case "segment":
        this.#header(body.index, body.open, at);
        return;
      case "checkpoint":
        this.#checkpoint({ ...record, body }, at);
        return;
      case "start":
        this.#boot += 1;
        return;
      case "stop":
        this.#stopped = true;
        return;
      case "recovery":
        if (body.dropped > 0)
          this.#report("records-dropped", `${body.dropped} records were never written`, at);
        return;
      case "intent":
        this.#intents += 1;
        if (this.#open.has(body.id))
          this.#report("duplicate-intent", `intent ${body.id} is open already`, at);
        this.#open.set(body.id, { place: this.#place(at), boot: this.#boot });
        return;
      case "outcome":
        this.#outcomes += 1;
        if (!this.#open.delete(body.id)) {
          this.#report("outcome-without-intent", `no open intent ${body.id}`, at);
        }
        if (body.result === "unknown") {
          this.#unknown += 1;
          this.#report("unknown-outcome", `call ${body.id} has no known outcome`, at);
        }
        return;
      case "decision":
        this.#decisions += 1;
        return;
      case "heartbeat":
      case "config":
      case "rejections":
      case "erasure":
      case "review":
      case "brake":
        return;
    }
  }

  #place(at: Partial<FindingPlace>): FindingPlace {
    return { writer: this.#writer, segment: null, line: null, offset: null, seq: null, ...at };
  }

  #header(index: number, open: readonly string[], at: Partial<FindingPlace>): void {
    if (!this.#firstLine || index !== this.#segment) {
      this.#report("segment-header", `a header for segment ${index} is out of place`, at);
    }
    const known = open.length === this.#open.size && open.every((id) => this.#open.has(id));
    if (known) return;
    if (this.#follows) this.#report("segment-header", "the open calls it names differ from those found", at);
    for (const id of this.#open.keys()) if (!open.includes(id)) this.#open.delete(id);
    for (const id of open) {
      if (!this.#open.has(id)) this.#open.set(id, { place: this.#place(at), boot: this.#boot });
    }
  }

  #checkpoint(record: RecordHeader & { readonly body: CheckpointBody }, at: Partial<FindingPlace>): void {
    if (record.body.reason === "seal") this.#sealed = true;
    if (this.#rules.trusted.size === 0) return;
    const result = checkCheckpoint(record, this.#rules.trusted);
    if (result === "valid") this.#signed = this.#records;
    else if (result === "unknown-key") this.#report("unknown-key", `signed by key ${record.body.key}`, at);
    else this.#report("bad-signature", "the records up to here are not those that were signed", at);
  }

  /** Ends the chain and returns what was read. */
  finish(): ChainSummary {
    for (const anchor of this.#anchors.values()) {
      this.#report("anchor-missing", `record ${anchor.seq} is known from elsewhere and not here`, {
        seq: anchor.seq,
      });
    }
    const over = this.#rules.writer === "at-rest" || this.#stopped;
    for (const [id, opened] of this.#open) {
      if (over || opened.boot < this.#boot) {
        this.#report("orphan-intent", `call ${id} has no outcome`, opened.place);
      }
    }
    const ended = this.#stopped && this.#sealed;
    if (this.#rules.writer === "at-rest" && !ended) {
      this.#report(
        "open-end",
        "the chain does not end in a sealed stop: later records may have been cut off",
        {
          segment: this.#segment,
          seq: this.#last?.seq ?? null,
        },
      );
    }
    if (this.#rules.trusted.size === 0) {
      this.#report("no-trusted-key", "no public key was given: signatures were not checked");
    } else if (this.#signed < this.#records && this.#rules.writer === "at-rest") {
      this.#report(
        "unsigned-tail",
        `the last ${this.#records - this.#signed} records carry no valid signature`,
      );
    }
    return {
      writer: this.#writer,
      segments: this.#segments,
      records: this.#records,
      signed: this.#signed,
      firstSeq: this.#firstSeq,
      lastSeq: this.#last?.seq ?? null,
      head: this.#head,
      lastTs: this.#last?.ts ?? null,
      intents: this.#intents,
      outcomes: this.#outcomes,
      unknownOutcomes: this.#unknown,
      decisions: this.#decisions,
      openIntents: this.#open.size,
      end: ended ? "stopped" : "open",
      errors: this.#errors,
      warnings: this.#warnings,
    };
  }

  /** Reports that the writer has been silent for too long. */
  stale(detail: string): void {
    this.#report("stale", detail);
  }
}
