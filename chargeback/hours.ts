import type { Prometheus } from "../reporting/prometheus.ts";

/** One recorded series: its labels, and its value at the end of each hour. */
export interface HourlySeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Decimal text as Prometheus wrote it, by end of the hour in seconds since 1970. */
  readonly values: readonly (readonly [end: number, value: string])[];
}

/** A month that cannot be read yet. */
export class FutureMonthError extends Error {
  override readonly name = "FutureMonthError";
}

/** Hours of a period: the first ends an hour after its start. */
export interface Period {
  /** Start, ms since 1970, on a full hour. */
  readonly from: number;
  /** End, ms since 1970, on a full hour. */
  readonly to: number;
}

const HOUR_MS = 3_600_000;

/** Number of hours in a period. */
export function hoursOf({ from, to }: Period): number {
  return (to - from) / HOUR_MS;
}

/**
 * A calendar month in UTC, or the part of it that is over.
 * @param month `YYYY-MM`
 * @throws FutureMonthError when nothing of the month is over
 */
export function monthPeriod(month: string, now: number): Period {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const from = Date.UTC(year, number - 1, 1);
  const to = Math.min(Date.UTC(year, number, 1), Math.floor(now / HOUR_MS) * HOUR_MS);
  if (to <= from) throw new FutureMonthError(`${month} has not begun: no hour of it is over`);
  return { from, to };
}

/**
 * Reads a series recorded per hour.
 * @throws PrometheusError when there is no answer or another one
 */
export async function readHours(
  prometheus: Prometheus,
  series: string,
  { from, to }: Period,
): Promise<HourlySeries[]> {
  const ends = { from: new Date(from + HOUR_MS), to: new Date(to) };
  const lines = await prometheus.recorded(series, ends, HOUR_MS / 1000);
  return lines.map(({ labels, points }) => ({ labels, values: points }));
}
