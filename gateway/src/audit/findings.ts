/** Where in the stored log a finding points. */
export interface FindingPlace {
  readonly writer: string;
  /** Segment index; null when the finding is about the chain as a whole. */
  readonly segment: number | null;
  /** Line from 1; null when the finding is not about one line. */
  readonly line: number | null;
  /** Byte offset in the segment. */
  readonly offset: number | null;
  /** Record number, when known. */
  readonly seq: number | null;
}

/** Kinds of problem; `error` breaks the chain, `warning` leaves something unproven. */
export const FINDING_SEVERITY = {
  malformed: "error",
  "oversized-line": "error",
  edited: "error",
  "not-canonical": "error",
  "chain-broken": "error",
  gap: "error",
  "out-of-order": "error",
  "foreign-record": "error",
  "missing-segment": "error",
  "missing-beginning": "error",
  "segment-header": "error",
  "unsealed-segment": "error",
  "after-seal": "error",
  "torn-tail": "error",
  "orphan-intent": "error",
  "outcome-without-intent": "error",
  "duplicate-intent": "error",
  "bad-signature": "error",
  "unknown-key": "error",
  "anchor-missing": "error",
  "conflicting-copy": "error",
  stale: "error",
  "records-dropped": "warning",
  "open-end": "warning",
  "unsigned-tail": "warning",
  "unknown-outcome": "warning",
  "clock-jump": "warning",
  "no-trusted-key": "warning",
  "nothing-found": "error",
} as const satisfies Record<string, "error" | "warning">;

/** Kind of a finding. */
export type FindingKind = keyof typeof FINDING_SEVERITY;

/** One problem and its place. */
export interface Finding {
  readonly kind: FindingKind;
  readonly severity: "error" | "warning";
  readonly place: FindingPlace;
  readonly detail: string;
}
