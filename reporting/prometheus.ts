import { z } from "zod";

/** Prometheus could not be asked, or did not understand the question. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
}

/** Labels of a series. */
export type Labels = Readonly<Record<string, string>>;

/** Value of a series at a moment. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Values of a series over time; a moment without a value is missing. */
export interface Line {
  readonly labels: Labels;
  /** Seconds since 1970 and value. */
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** Values of a series over time as Prometheus wrote them: decimal text, so that money is not rounded. */
export interface RecordedLine {
  readonly labels: Labels;
  /** Seconds since 1970 and value. */
  readonly points: readonly (readonly [seconds: number, value: string])[];
}

/** A stretch of time. */
export interface Period {
  readonly from: Date;
  /** First moment that is too late. */
  readonly to: Date;
}

const value = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const answer = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    data: z.discriminatedUnion("resultType", [
      z.object({
        resultType: z.literal("vector"),
        result: z.array(z.object({ metric: labels, value })),
      }),
      z.object({
        resultType: z.literal("matrix"),
        result: z.array(z.object({ metric: labels, values: z.array(value) })),
      }),
      z.object({ resultType: z.literal("scalar"), result: value }),
    ]),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);
type Data = Extract<z.output<typeof answer>, { status: "success" }>["data"];

/** @see https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats */
function toNumber(text: string): number {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}

/** How long one query may take, ms. */
const TIMEOUT_MS = 60_000;

/** Client of the query API. @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
export class Prometheus {
  /** Address without a slash at its end. */
  readonly url: string;
  readonly #token: string | undefined;
  readonly #send: typeof fetch;

  /**
   * @param url address, for example `http://localhost:9090`
   * @param token bearer token. @default none
   * @param send what sends requests. @default fetch
   */
  constructor(url: string, token?: string, send: typeof fetch = fetch) {
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#send = send;
  }

  /**
   * Values at a moment; those that are no number are left out, because they mean that there is nothing to divide by.
   * @throws PrometheusError when it cannot be asked
   */
  async instant(expr: string, at: Date): Promise<Sample[]> {
    const data = await this.#ask("query", { query: expr, time: seconds(at) });
    switch (data.resultType) {
      case "vector":
        return data.result
          .map(({ metric, value: [, text] }) => ({ labels: metric, value: toNumber(text) }))
          .filter((sample) => !Number.isNaN(sample.value));
      case "scalar":
        return [{ labels: {}, value: toNumber(data.result[1]) }];
      case "matrix":
        throw new PrometheusError(`'${expr}' gives ranges, not values`);
    }
  }

  /**
   * Values over a period; those that are no number are left out.
   * @param stepSeconds distance between two points, seconds
   * @throws PrometheusError when it cannot be asked
   */
  async range(expr: string, period: Period, stepSeconds: number): Promise<Line[]> {
    const lines = await this.recorded(expr, period, stepSeconds);
    return lines
      .map(({ labels: found, points }) => ({
        labels: found,
        points: points
          .map(([time, text]) => [time, toNumber(text)] as const)
          .filter(([, number]) => !Number.isNaN(number)),
      }))
      .filter(({ points }) => points.length > 0);
  }

  /**
   * Values over a period as Prometheus wrote them.
   * @param stepSeconds distance between two points, seconds
   * @throws PrometheusError when it cannot be asked
   */
  async recorded(expr: string, { from, to }: Period, stepSeconds: number): Promise<RecordedLine[]> {
    const data = await this.#ask("query_range", {
      query: expr,
      start: seconds(from),
      end: seconds(to),
      step: String(stepSeconds),
    });
    if (data.resultType !== "matrix") throw new PrometheusError(`'${expr}' gives no ranges`);
    return data.result.map(({ metric, values }) => ({ labels: metric, points: values }));
  }

  async #ask(path: string, fields: Readonly<Record<string, string>>): Promise<Data> {
    const response = await this.#post(path, fields);
    const text = await response.text();
    const parsed = answer.safeParse(jsonOf(text));
    if (!parsed.success)
      throw new PrometheusError(
        `${this.url} answered ${response.status} with something that is no query result: ${text.slice(0, 120)}`,
      );
    if (parsed.data.status === "error")
      throw new PrometheusError(`${this.url} refuses '${fields["query"] ?? ""}': ${parsed.data.error}`);
    return parsed.data.data;
  }

  async #post(path: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    try {
      return await this.#send(`${this.url}/api/v1/${path}`, {
        method: "POST",
        body: new URLSearchParams(fields),
        headers: this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new PrometheusError(
        `${this.url} cannot be asked: ${String(cause)}; open it with kubectl port-forward -n monitoring svc/kube-prometheus-stack-prometheus 9090`,
      );
    }
  }
}

function seconds(at: Date): string {
  return String(at.getTime() / 1000);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
