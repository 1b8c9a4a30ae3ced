import type { AuditRecord, BrakeBody, OutcomeBody } from "../../gateway/src/audit/record.ts";
import { verifyDirectory, type Verification } from "../../gateway/src/audit/verify.ts";
import { readRecords } from "../../gateway/src/cli/records.ts";
import type { Period } from "../prometheus.ts";

/** Calls of one client to one model. */
export interface CallCounts {
  readonly client: string;
  readonly model: string;
  calls: number;
  completed: number;
  inputTokens: number;
  outputTokens: number;
  /** Cost by currency, billionths. */
  readonly nanos: Map<string, number>;
}

/** A stop, a throttle or a release. */
export type Brake = Pick<BrakeBody, "action" | "scope" | "reason" | "by"> & { readonly at: string };

/** What the audit log says about one month. */
export interface AuditMonth {
  readonly records: number;
  readonly counts: readonly CallCounts[];
  /** Calls that ended without an upstream, by result. */
  readonly decisions: ReadonlyMap<string, number>;
  /** Calls with an upstream, by result. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Calls of the month whose outcome is nowhere in the log. */
  readonly open: number;
  readonly reviews: { readonly approved: number; readonly denied: number };
  readonly brakes: readonly Brake[];
  readonly erasures: number;
  readonly recoveries: number;
  readonly configurations: { readonly applied: number; readonly refused: number };
  /** Of the whole log, not of the month alone. */
  readonly verification: Verification;
}

interface Began {
  readonly client: string;
  readonly model: string;
  readonly isOfMonth: boolean;
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Adds up records in any order of writers; only calls without an outcome yet are held. */
class Sum {
  readonly #period: Period;
  readonly #began = new Map<string, Began>();
  readonly counts = new Map<string, CallCounts>();
  readonly decisions = new Map<string, number>();
  readonly outcomes = new Map<string, number>();
  readonly reviews = { approved: 0, denied: 0 };
  readonly brakes: Brake[] = [];
  readonly configurations = { applied: 0, refused: 0 };
  records = 0;
  erasures = 0;
  recoveries = 0;

  constructor(period: Period) {
    this.#period = period;
  }

  add({ ts, body }: AuditRecord): void {
    const at = Date.parse(ts);
    const isOfMonth = at >= this.#period.from.getTime() && at < this.#period.to.getTime();
    if (body.kind === "intent")
      this.#began.set(body.id, { client: body.client, model: body.model, isOfMonth });
    const began = body.kind === "outcome" ? this.#began.get(body.id) : undefined;
    if (body.kind === "outcome") this.#began.delete(body.id);
    if (!isOfMonth) return;
    this.records += 1;
    switch (body.kind) {
      case "outcome":
        this.#outcome(body, began);
        return;
      case "decision":
        raise(this.decisions, body.result);
        this.#row(body.client, body.model).calls += 1;
        return;
      case "review":
        this.reviews[body.decision] += 1;
        return;
      case "brake":
        this.brakes.push({
          at: ts,
          action: body.action,
          scope: body.scope,
          reason: body.reason,
          by: body.by,
        });
        return;
      case "erasure":
        this.erasures += 1;
        return;
      case "recovery":
        this.recoveries += 1;
        return;
      case "config":
        this.configurations[body.result] += 1;
        return;
      case "intent":
      case "start":
      case "stop":
      case "heartbeat":
      case "segment":
      case "checkpoint":
      case "rejections":
        return;
    }
  }

  get open(): number {
    return [...this.#began.values()].filter(({ isOfMonth }) => isOfMonth).length;
  }

  #outcome({ result, usage, cost }: OutcomeBody, began: Began | undefined): void {
    raise(this.outcomes, result);
    const row = this.#row(
      began?.client ?? "(intent not in this log)",
      began?.model ?? "(intent not in this log)",
    );
    row.calls += 1;
    if (result === "completed") row.completed += 1;
    row.inputTokens += usage?.input ?? 0;
    row.outputTokens += usage?.output ?? 0;
    if (cost !== null) row.nanos.set(cost.currency, (row.nanos.get(cost.currency) ?? 0) + cost.nanos);
  }

  #row(client: string, model: string): CallCounts {
    const key = JSON.stringify([client, model]);
    const row = this.counts.get(key) ?? {
      client,
      model,
      calls: 0,
      completed: 0,
      inputTokens: 0,
      outputTokens: 0,
      nanos: new Map<string, number>(),
    };
    this.counts.set(key, row);
    return row;
  }
}

/**
 * Reads an audit log and verifies it.
 * @param places directories, `s3://` or `gs://`
 * @param publicKeys PEM; without one no signature is proven
 */
export async function auditMonth(
  [first, ...also]: readonly [string, ...string[]],
  publicKeys: readonly string[],
  period: Period,
): Promise<AuditMonth> {
  const sum = new Sum(period);
  for await (const { record } of readRecords([first, ...also])) sum.add(record);
  const verification = await verifyDirectory(first, {
    also,
    publicKeys,
    // A report is made while the gateway runs, and old segments may have run out of their retention.
    beginning: "may-have-expired",
    writer: "live",
    // How long a writer has been silent is for alerts and `llmops audit verify --live`.
    maxSilenceMs: Number.POSITIVE_INFINITY,
  });
  const { records, decisions, outcomes, open, reviews, brakes, erasures, recoveries, configurations } = sum;
  const counts = [...sum.counts.values()].sort((a, b) => b.calls - a.calls);
  return {
    records,
    counts,
    decisions,
    outcomes,
    open,
    reviews,
    brakes,
    erasures,
    recoveries,
    configurations,
    verification,
  };
}
