import { formatted } from "../format.ts";
import type { Figure, MonthlyReport } from "./report.ts";

/** A figure as people read it; what is missing says so. */
export function wordsOf({ measured }: Figure): string {
  switch (measured.kind) {
    case "value":
      return formatted(measured.value, measured.unit);
    case "words":
      return measured.words;
    case "no-data":
      return "no data";
  }
}

/** Whether a target is met, in a word that is never kinder than what is known. */
export function verdictOf({ target }: Figure): string {
  return target === undefined ? "" : target.verdict === "unknown" ? "unknown" : target.verdict;
}

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/** `November 2026`. */
export function monthWords({ month }: MonthlyReport): string {
  const at = month.from;
  return `${MONTHS[at.getUTCMonth()] ?? ""} ${at.getUTCFullYear()}`;
}

/** Figures that are held against something, in the order of the report. */
export function judgedFigures({ sections }: MonthlyReport): Figure[] {
  return sections.flatMap(({ figures }) => figures).filter(({ target }) => target !== undefined);
}
