import { formatted } from "../format.ts";
import type { AuditMonth, CallCounts } from "./audit-month.ts";
import { judged, type Figure, type Measured, type ReportSection, type ReportTable } from "./report.ts";

const SOURCE = "audit log";

/** The log's content, or why there is none. */
export type AuditAnswer =
  | { readonly kind: "read"; readonly audit: AuditMonth }
  | { readonly kind: "no-data"; readonly reason: string };

function figure(answer: AuditAnswer, label: string, pick: (audit: AuditMonth) => number): Figure {
  const measured: Measured =
    answer.kind === "no-data" ? answer : { kind: "value", value: pick(answer.audit), unit: "short" };
  return { label, measured, source: SOURCE };
}

function table(
  answer: AuditAnswer,
  title: string,
  head: readonly string[],
  rowsOf: (audit: AuditMonth) => readonly (readonly string[])[],
): ReportTable | { title: string; missing: string } {
  if (answer.kind === "no-data") return { title, missing: answer.reason };
  const rows = rowsOf(answer.audit);
  return {
    title,
    head,
    rows: rows.length === 0 ? [["none", ...head.slice(1).map(() => "")]] : rows,
    source: SOURCE,
  };
}

function money({ nanos }: CallCounts): string {
  const amounts = [...nanos].map(([currency, amount]) => `${(amount / 1e9).toFixed(4)} ${currency}`);
  return amounts.length === 0 ? "own engines: in the GPU nodes" : amounts.join(", ");
}

/** Who used what: calls, tokens and what providers were paid, as recorded call by call. */
export function usage(answer: AuditAnswer): ReportTable | { title: string; missing: string } {
  return table(
    answer,
    "Usage by client and model",
    ["client", "model", "calls", "completed", "input tokens", "output tokens", "paid to providers"],
    ({ counts }) =>
      counts.map((row) => [
        row.client,
        row.model,
        ...[row.calls, row.completed, row.inputTokens, row.outputTokens].map((value) =>
          formatted(value, "short"),
        ),
        money(row),
      ]),
  );
}

/** How calls ended, as recorded. */
export function endings(answer: AuditAnswer): ReportTable | { title: string; missing: string } {
  const rows = (counts: ReadonlyMap<string, number>, where: string): string[][] =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([result, calls]) => [result, where, formatted(calls, "short")]);
  return table(answer, "How calls ended", ["result", "where", "calls"], ({ outcomes, decisions, open }) => [
    ...rows(outcomes, "after an upstream was asked"),
    ...rows(decisions, "at the gateway"),
    ...(open === 0 ? [] : [["no outcome recorded", "after an upstream was asked", formatted(open, "short")]]),
  ]);
}

/** Stops and throttles, with who and why. */
export function brakes(answer: AuditAnswer): ReportTable | { title: string; missing: string } {
  return table(
    answer,
    "Stops, throttles and releases",
    ["time (UTC)", "action", "scope", "reason", "key"],
    (audit) =>
      audit.brakes.map(({ at, action, scope, reason, by }) => [
        at.slice(0, 16).replace("T", " "),
        action,
        scope,
        reason,
        by,
      ]),
  );
}

function proof(answer: AuditAnswer): Figure {
  const label = "Integrity of the audit log";
  if (answer.kind === "no-data")
    return { label, measured: answer, target: { text: "intact", verdict: "unknown" }, source: SOURCE };
  const { verdict, findings } = answer.audit.verification;
  const words = {
    intact: "intact: chains and signatures verified",
    unproven: `nothing wrong found, not all proven${findings[0] === undefined ? "" : `: ${findings[0].detail}`}`,
    broken: `broken: ${findings[0]?.detail ?? "see llmops audit verify"}`,
  }[verdict];
  return {
    label,
    measured: { kind: "words", words },
    target: {
      text: "intact",
      verdict: verdict === "intact" ? "met" : verdict === "broken" ? "missed" : "unknown",
    },
    source: `${SOURCE}, verified as a whole`,
  };
}

/** Did people oversee it, and is the record of it whole? */
export function oversight(answer: AuditAnswer): ReportSection {
  const decided = (audit: AuditMonth): number => audit.reviews.approved + audit.reviews.denied;
  const unknown = figure(
    answer,
    "Calls whose outcome is unknown",
    ({ outcomes }) => outcomes.get("unknown") ?? 0,
  );
  return {
    title: "Oversight and records",
    figures: [
      proof(answer),
      figure(answer, "Records written", ({ records }) => records),
      figure(answer, "Calls held for a person", ({ decisions }) => decisions.get("review") ?? 0),
      figure(answer, "Decided by a person", decided),
      figure(answer, "of these denied", ({ reviews }) => reviews.denied),
      { ...unknown, ...judged(unknown.measured, "0", (value) => value === 0) },
      figure(answer, "Repairs after a crash or a full disk", ({ recoveries }) => recoveries),
      figure(answer, "Content keys destroyed on request", ({ erasures }) => erasures),
      figure(answer, "Configurations applied", ({ configurations }) => configurations.applied),
      figure(answer, "Configurations refused", ({ configurations }) => configurations.refused),
    ],
    charts: [],
    tables: [brakes(answer)],
  };
}
