import { z } from "zod";

/** One recorded series: its labels, and its value at the end of each hour. */
export interface HourlySeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Decimal text as Prometheus wrote it, by end of the hour in seconds since 1970. */
  readonly values: readonly (readonly [end: number, value: string])[];
}

/** Prometheus did not answer, or not with what was asked. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
}

const answer = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("matrix"),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

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
  base: string,
  series: string,
  { from, to }: Period,
  fetchOver: typeof fetch = fetch,
): Promise<HourlySeries[]> {
  const url = new URL(`${base.replace(/\/$/, "")}/api/v1/query_range`);
  const parameters = { query: series, start: from / 1000 + 3600, end: to / 1000, step: 3600 };
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, `${value}`);
  let text: string;
  try {
    const response = await fetchOver(url, { signal: AbortSignal.timeout(60_000) });
    text = await response.text();
    if (!response.ok) throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
  } catch (error) {
    throw new PrometheusError(
      `${url.origin}: ${error instanceof Error ? error.message : String(error)}; open it with kubectl port-forward -n monitoring svc/kube-prometheus-stack-prometheus 9090`,
    );
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new PrometheusError(`${url.origin}: the answer to ${series} is not JSON`);
  }
  const parsed = answer.safeParse(body);
  if (!parsed.success)
    throw new PrometheusError(
      `${url.origin}: the answer to ${series} is no matrix: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data.data.result.map(({ metric, values }) => ({ labels: metric, values }));
}
