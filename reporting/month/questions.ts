import type { Unit } from "../../components/observability/dashboards/panel.ts";
import type { Line, Period, Prometheus, Sample } from "../prometheus.ts";
import type { Measured, ReportChart } from "./report.ts";

/** Several values, or why there are none. */
export type Answers =
  | { readonly kind: "values"; readonly samples: readonly Sample[] }
  | { readonly kind: "no-data"; readonly reason: string };

const HOUR = 3600;

/** Asks Prometheus about one month; without a Prometheus every answer is that there is no data. */
export class Questions {
  readonly #prometheus: Prometheus | undefined;
  readonly period: Period;
  /** Length of the period as a PromQL duration. */
  readonly window: string;

  constructor(prometheus: Prometheus | undefined, period: Period) {
    this.#prometheus = prometheus;
    this.period = period;
    this.window = `${Math.round((period.to.getTime() - period.from.getTime()) / 1000)}s`;
  }

  /** All values of a query at the end of the month. */
  async all(expr: string): Promise<Answers> {
    if (this.#prometheus === undefined) return { kind: "no-data", reason: "no Prometheus was given" };
    const samples = (await this.#prometheus.instant(expr, this.period.to)).filter(({ value }) =>
      Number.isFinite(value),
    );
    return samples.length === 0
      ? { kind: "no-data", reason: "Prometheus has nothing about it in this month" }
      : { kind: "values", samples };
  }

  /** The one value of a query at the end of the month. */
  async one(expr: string, unit: Unit): Promise<Measured> {
    const answers = await this.all(expr);
    if (answers.kind === "no-data") return answers;
    const [sample] = answers.samples;
    return sample === undefined || answers.samples.length > 1
      ? { kind: "no-data", reason: `the query gives ${answers.samples.length} values instead of one` }
      : { kind: "value", value: sample.value, unit };
  }

  /** A chart over the month. */
  async chart(
    title: string,
    unit: Unit,
    expr: string,
    legend: (labels: Line["labels"]) => string,
    options: { readonly stepSeconds?: number; readonly bound?: number } = {},
  ): Promise<ReportChart | { readonly title: string; readonly missing: string }> {
    if (this.#prometheus === undefined) return { title, missing: "no Prometheus was given" };
    const lines = await this.#prometheus.range(expr, this.period, options.stepSeconds ?? HOUR);
    if (lines.length === 0) return { title, missing: "Prometheus has nothing about it in this month" };
    return {
      title,
      unit,
      lines: lines.map(({ labels, points }) => ({ label: legend(labels), points })),
      source: `Prometheus: ${expr}`,
      ...(options.bound === undefined ? {} : { bound: options.bound }),
    };
  }
}
