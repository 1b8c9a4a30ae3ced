import type { Period } from "../prometheus.ts";

/** The month that a report is about. */
export interface ReportMonth extends Period {
  /** `YYYY-MM`. */
  readonly name: string;
  /** `running`: the report ends now, not with the month. */
  readonly state: "complete" | "running";
  readonly days: number;
}

/** The month cannot be reported on. */
export class MonthError extends Error {
  override readonly name = "MonthError";
}

const DAY_MS = 86_400_000;

/**
 * A calendar month in UTC, up to now when it is not over.
 * @throws MonthError when it is no month or has not begun
 */
export function reportMonth(name: string, now: Date): ReportMonth {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name) ?? [];
  if (year === undefined || month === undefined)
    throw new MonthError(`--month '${name}' is not a month; write it as YYYY-MM, for example 2026-11`);
  const from = new Date(Date.UTC(Number(year), Number(month) - 1, 1));
  const end = new Date(Date.UTC(Number(year), Number(month), 1));
  if (from >= now) throw new MonthError(`--month ${name} has not begun; there is nothing to report on`);
  const to = end <= now ? end : now;
  return {
    name,
    from,
    to,
    state: end <= now ? "complete" : "running",
    days: (to.getTime() - from.getTime()) / DAY_MS,
  };
}
