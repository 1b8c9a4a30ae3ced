/** What one guard concluded about one text. */
export interface GuardVerdict {
  /** Name of the guard as configured. */
  readonly guard: string;
  /** Version of the detector, so that a later reader knows which rules ran. */
  readonly version: string;
  /** Side of the exchange the guard looked at. */
  readonly side: "input" | "output";
  /** What the gateway did because of it. */
  readonly action: "pass" | "flag" | "redact" | "replace" | "review" | "block" | "error";
  /** Kinds of entity found and how many of each; never the entity itself. */
  readonly found: Readonly<Record<string, number>>;
}

/** Token counts of one call. */
export interface RecordedUsage {
  /** Input tokens. */
  readonly input: number;
  /** Output tokens. */
  readonly output: number;
  /** Input tokens the upstream found in its prompt cache, as far as it said so; part of `input`. @default none */
  readonly cachedInput?: number;
  /** Whether the engine said so or the gateway estimated it. */
  readonly source: "reported" | "estimated";
}

/** Cost of one call in billionths of the currency unit. */
export interface RecordedCost {
  /** Billionths of one unit of `currency`. */
  readonly nanos: number;
  /** ISO 4217 code. */
  readonly currency: string;
}

/** One try against one upstream. */
export interface RecordedAttempt {
  /** Upstream name. */
  readonly upstream: string;
  /** Model name sent to that upstream. */
  readonly model: string;
  /** HTTP status, or null when no response head arrived. */
  readonly status: number | null;
  /** Duration until the head or the error, in milliseconds. */
  readonly ms: number;
  /** Error class, absent on success. */
  readonly error?: string;
}

/** Who asked for what; shared by intents and decisions. */
export interface Exchange {
  /** Request id, unique per gateway. */
  readonly id: string;
  /** Tenant of the client. */
  readonly tenant: string;
  /** Client id. */
  readonly client: string;
  /** First 12 hex digits of the SHA-256 of the key that was used. */
  readonly credential: string;
  /** Path below the host, for example `/v1/chat/completions`. */
  readonly endpoint: string;
  /** Model the client asked for. */
  readonly model: string;
  /** Whether the client asked for a stream. */
  readonly stream: boolean;
  /** Trace id of the caller (W3C), when given. */
  readonly trace?: string;
  /** Keyed digest of the data subject, when given. */
  readonly subject?: string;
  /** Keyed digest of the human reviewer, when given. */
  readonly reviewer?: string;
  /** Review ticket whose approval let this request through. */
  readonly approval?: string;
  /** Purpose of processing from the client's configuration. */
  readonly purpose?: string;
  /** Version or hash of the prompt template, when given. */
  readonly prompt?: string;
  /** SHA-256 of the effective configuration. */
  readonly config: string;
  /** Keyed digest of the request body. */
  readonly input: string;
  /** Size of the request body in bytes. */
  readonly inputBytes: number;
}

/** Reference to encrypted content kept outside of the chain. */
export interface ContentReference {
  /** Object name in the content store. */
  readonly object: string;
  /** SHA-256 of the stored ciphertext. */
  readonly sha256: string;
  /** Data-subject key id. */
  readonly key: string;
}

/** The gateway process started writing. */
export interface StartBody {
  readonly kind: "start";
  /** Random id of this process run. */
  readonly boot: string;
  /** Gateway version. */
  readonly version: string;
  /** SHA-256 of the effective configuration. */
  readonly config: string;
  /** Earlier writer whose chain could not be continued and is left untouched for inspection. */
  readonly quarantined?: string;
}

/** Nothing happened, and the writer is alive. */
export interface HeartbeatBody {
  readonly kind: "heartbeat";
  /** Intents waiting for their outcome. */
  readonly open: number;
}

/** The gateway process stopped in order; no intent is open after it. */
export interface StopBody {
  readonly kind: "stop";
}

/** First record of each segment. */
export interface SegmentBody {
  readonly kind: "segment";
  /** Position of the segment in the chain of this writer, from 0. */
  readonly index: number;
  /** Intents that were open when the segment began. */
  readonly open: readonly string[];
}

/** Signed statement about everything before it; with `seal` it is the last record of its segment. */
export interface CheckpointBody {
  readonly kind: "checkpoint";
  readonly reason: "interval" | "seal";
  /** Id of the signing key. */
  readonly key: string;
  /** Ed25519 signature, base64, over the canonical record without this member. */
  readonly signature: string;
}

/** What a restart or a revived disk had to repair. */
export interface RecoveryBody {
  readonly kind: "recovery";
  readonly reason: "torn-tail" | "write-failed" | "dropped-records";
  /** Bytes cut from the segment. */
  readonly bytes: number;
  /** Byte offset in the segment at which they were cut. */
  readonly offset: number;
  /** SHA-256 of the bytes cut, empty when they could not be read. */
  readonly sha256: string;
  /** Records never written (best-effort mode only). */
  readonly dropped: number;
}

/** The configuration changed while running. */
export interface ConfigBody {
  readonly kind: "config";
  readonly result: "applied" | "refused";
  /** SHA-256 of the configuration now in force. */
  readonly config: string;
}

/** Requests turned away before the caller was known, counted so that a flood cannot fill the disk. */
export interface RejectionsBody {
  readonly kind: "rejections";
  /** Requests per reason. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A call is about to go upstream. */
export interface IntentBody extends Exchange {
  readonly kind: "intent";
  /** Upstreams and models that may be tried, in order. */
  readonly plan: readonly { readonly upstream: string; readonly model: string }[];
  /** Tokens reserved. */
  readonly reserved: number;
  /** Verdicts of the input guards. */
  readonly guards: readonly GuardVerdict[];
  /** Encrypted content, when captured. */
  readonly content?: ContentReference;
}

/** How a call that had an intent ended. */
export interface OutcomeBody {
  readonly kind: "outcome";
  /** Request id of the intent. */
  readonly id: string;
  readonly result: "completed" | "failed" | "blocked" | "aborted" | "unknown";
  /** Why, when the result is not `completed`. */
  readonly reason?: string;
  /** HTTP status the client gets; null when unknown. */
  readonly status: number | null;
  /** Upstream and model that answered. */
  readonly served: { readonly upstream: string; readonly model: string } | null;
  readonly attempts: readonly RecordedAttempt[];
  readonly usage: RecordedUsage | null;
  readonly cost: RecordedCost | null;
  /** Milliseconds until the first byte from upstream; null without one. */
  readonly firstByteMs: number | null;
  /** Milliseconds from request to this record; null when unknown. */
  readonly ms: number | null;
  /** Keyed digest of the answer. */
  readonly output: string | null;
  readonly guards: readonly GuardVerdict[];
  readonly content?: ContentReference;
}

/** A request of a known client that ended without an upstream call. */
export interface DecisionBody extends Exchange {
  readonly kind: "decision";
  readonly result: "denied" | "limited" | "cached" | "invalid" | "blocked" | "review" | "shed" | "failed";
  readonly reason: string;
  readonly status: number;
  readonly guards: readonly GuardVerdict[];
}

/** The content key of a data subject was destroyed. */
export interface ErasureBody {
  readonly kind: "erasure";
  /** Keyed digest of the data subject. */
  readonly subject: string;
  /** Ids of the destroyed keys. */
  readonly keys: readonly string[];
}

/** A person decided about a request that waited for review. */
export interface ReviewBody {
  readonly kind: "review";
  /** Ticket. */
  readonly ticket: string;
  /** Id of the request that caused it. */
  readonly id: string;
  readonly decision: "approved" | "denied";
  /** Keyed digest of who decided. */
  readonly reviewer: string;
}

/** Somebody stopped or throttled models, or lifted that. */
export interface BrakeBody {
  readonly kind: "brake";
  readonly action: "stop" | "throttle" | "release";
  /** Model, `all`, or `throttle` for a released throttle. */
  readonly scope: string;
  /** Why, in the words of whoever did it. */
  readonly reason: string;
  /** First 12 hex digits of the SHA-256 of the key that was used. */
  readonly by: string;
}

/** Everything that can be written to the chain. */
export type RecordBody =
  | StartBody
  | HeartbeatBody
  | StopBody
  | SegmentBody
  | CheckpointBody
  | RecoveryBody
  | ConfigBody
  | RejectionsBody
  | IntentBody
  | OutcomeBody
  | DecisionBody
  | ErasureBody
  | ReviewBody
  | BrakeBody;

/** Position and time of a record. */
export interface RecordHeader {
  /** Format version. */
  readonly v: 1;
  /** Id of the writer; one chain per writer. */
  readonly writer: string;
  /** Number of the record in the chain, from 0. */
  readonly seq: number;
  /** Hash of the record before, 64 zeros for the first. */
  readonly prev: string;
  /** Wall clock, ISO 8601 in UTC. */
  readonly ts: string;
  /** Milliseconds on the monotonic clock since the process started; shows wall-clock jumps. */
  readonly mono: number;
}

/** One record as stored. */
export type AuditRecord = RecordHeader & { readonly body: RecordBody };
