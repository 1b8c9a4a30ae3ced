import type { Unit } from "../../components/observability/dashboards/panel.ts";
import type { ChartLine } from "../charts.ts";
import type { ReportMonth } from "./period.ts";

/** A figure, or why there is none; what is missing is never zero. */
export type Measured =
  | { readonly kind: "value"; readonly value: number; readonly unit: Unit }
  | { readonly kind: "words"; readonly words: string }
  | { readonly kind: "no-data"; readonly reason: string };

/** What a figure is held against. */
export interface Target {
  readonly text: string;
  readonly verdict: "met" | "missed" | "unknown";
}

/** One line of the report. */
export interface Figure {
  readonly label: string;
  readonly measured: Measured;
  /** @default nothing to hold it against */
  readonly target?: Target;
  /** Where the figure comes from: a query or the audit log. */
  readonly source: string;
}

/** A table of figures with the same source. */
export interface ReportTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly source: string;
}

/** Lines over the month. */
export interface ReportChart {
  readonly title: string;
  readonly unit: Unit;
  readonly lines: readonly ChartLine[];
  readonly source: string;
  /** Value the lines are judged by. @default none */
  readonly bound?: number;
}

/** What the report says about one question. */
export interface ReportSection {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly charts: readonly (ReportChart | { readonly title: string; readonly missing: string })[];
  readonly tables: readonly (ReportTable | { readonly title: string; readonly missing: string })[];
}

/** The report of one month. */
export interface MonthlyReport {
  readonly month: ReportMonth;
  /** Stack, or what the report was made without. */
  readonly subject: string;
  readonly generatedAt: Date;
  readonly sections: readonly ReportSection[];
  /** What a reader must know before believing a figure. */
  readonly caveats: readonly string[];
}

/** Judges a figure by a bound; a figure that is missing meets nothing. */
export function judged(
  measured: Measured,
  text: string,
  isMet: (value: number) => boolean,
): { readonly measured: Measured; readonly target: Target } {
  const verdict = measured.kind !== "value" ? "unknown" : isMet(measured.value) ? "met" : "missed";
  return { measured, target: { text, verdict } };
}
