import { failureBound } from "../../evals/statistics/paired.ts";
import type { Fired } from "./engine.ts";

/** Streams in which nothing changed that should be found: every alarm is a false one. */
export interface QuietRow {
  readonly kind: "quiet";
  readonly detector: string;
  readonly stream: string;
  readonly streams: number;
  /** Hours each stream was watched. */
  readonly hours: number;
  /** Streams with an alarm. */
  readonly alarmed: number;
  /** Share of streams with one that this count does not contradict (Clopper-Pearson, one-sided 95 %). */
  readonly atMost: number;
  /** Share of all hours in which an alarm was on. */
  readonly shareOfHours: number;
}

/** Streams that changed. */
export interface ChangeRow {
  readonly kind: "change";
  readonly detector: string;
  readonly stream: string;
  readonly streams: number;
  /** Hours each stream was watched after the change began. */
  readonly hours: number;
  readonly found: number;
  /** Share found that this count does not contradict (Clopper-Pearson, one-sided 95 %). */
  readonly atLeast: number;
  /** Minutes from the beginning of the change to the firing alert, of the streams that were found. */
  readonly medianDelayMinutes?: number;
  readonly p95DelayMinutes?: number;
}

/** A measured row. */
export type Row = QuietRow | ChangeRow;

/** What a row is about. */
export type Subject = Pick<Row, "detector" | "stream" | "streams" | "hours">;

const rounded = (value: number): number => Number(value.toFixed(4));

/** Judges streams without a change. */
export function quiet(subject: Subject, fired: Fired): QuietRow {
  const { streams, hours } = subject;
  const alarmed = new Set([...fired.values()].flatMap((each) => [...each])).size;
  const on = new Set(
    [...fired].flatMap(([minute, each]) => [...each].map((stream) => `${stream} ${Math.floor(minute / 60)}`)),
  );
  return {
    kind: "quiet",
    ...subject,
    alarmed,
    atMost: rounded(failureBound(alarmed, streams)),
    shareOfHours: rounded(on.size / (streams * hours)),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Judges streams that began to change at a minute. */
export function change(subject: Subject, fired: Fired, began: number): ChangeRow {
  const first = new Map<string, number>();
  for (const [minute, streams] of [...fired].sort(([a], [b]) => a - b))
    for (const stream of streams) if (minute > began && !first.has(stream)) first.set(stream, minute - began);
  const delays = [...first.values()].sort((a, b) => a - b);
  return {
    kind: "change",
    ...subject,
    found: delays.length,
    atLeast: rounded(1 - failureBound(subject.streams - delays.length, subject.streams)),
    ...(delays.length === 0
      ? {}
      : { medianDelayMinutes: quantile(delays, 0.5), p95DelayMinutes: quantile(delays, 0.95) }),
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Both tables of the page. */
export function tables(rows: readonly Row[]): string {
  return [
    "Nothing changes that should be found; every alarm is a false one. The bound is that of the share of streams with one (Clopper-Pearson, one-sided 95 %).",
    "",
    "| Detector | Stream | Hours | With an alarm | At most | Hours with an alarm |",
    "|---|---|---|---|---|---|",
    ...rows.flatMap((row) =>
      row.kind === "quiet"
        ? [
            `| ${row.detector} | ${row.stream} | ${row.hours} | ${row.alarmed} of ${row.streams} | ${percent(row.atMost)} | ${percent(row.shareOfHours)} |`,
          ]
        : [],
    ),
    "",
    "Something changes. The bound is that of the share found; delays are of the streams that were found, in minutes from the beginning of the change.",
    "",
    "| Detector | Change | Hours | Found | At least | Median delay | 95th percentile |",
    "|---|---|---|---|---|---|---|",
    ...rows.flatMap((row) =>
      row.kind === "change"
        ? [
            `| ${row.detector} | ${row.stream} | ${row.hours} | ${row.found} of ${row.streams} | ${percent(row.atLeast)} | ${row.medianDelayMinutes ?? ""} | ${row.p95DelayMinutes ?? ""} |`,
          ]
        : [],
    ),
  ].join("\n");
}
