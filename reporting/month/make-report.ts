import type { Prometheus } from "../prometheus.ts";
import { endings, oversight, usage, type AuditAnswer } from "./audit-sections.ts";
import { alerts, cost, coverage, drift, quality, serviceLevel, type Promises } from "./measured-sections.ts";
import type { ReportMonth } from "./period.ts";
import { Questions } from "./questions.ts";
import type { Figure, MonthlyReport } from "./report.ts";

/** What a report is made from. */
export interface ReportInput {
  readonly month: ReportMonth;
  /** Words for the stack, for example `acme-prod`. */
  readonly subject: string;
  readonly promises: Promises;
  /** @default nothing is measured */
  readonly prometheus?: Prometheus;
  readonly audit: AuditAnswer;
  readonly now: Date;
}

function caveatsOf({ month, promises, audit }: ReportInput, seen: Figure): string[] {
  const { measured, target } = seen;
  return [
    ...(month.state === "running"
      ? [`The month is not over: figures end at ${month.to.toISOString().slice(0, 16)} UTC.`]
      : []),
    ...(measured.kind === "value" && target?.verdict === "missed"
      ? [
          `Prometheus saw only ${(measured.value * 100).toFixed(1)} % of the period; its figures describe that part.`,
        ]
      : []),
    ...(measured.kind === "no-data" ? [`No figure from Prometheus: ${measured.reason}.`] : []),
    ...(audit.kind === "no-data" ? [`No figure from the audit log: ${audit.reason}.`] : []),
    ...(promises.objectives.length === 0
      ? ["No objectives of models: the report was made without a stack, or it has no own models."]
      : []),
    "Guards say what they changed; whether answers are right, only a judge says, as far as it is calibrated.",
    "Cost counts external providers and GPU nodes at list price, not discounts, taxes or other cloud resources.",
  ];
}

/** The report of a month. @throws PrometheusError when Prometheus cannot be asked */
export async function makeReport(input: ReportInput): Promise<MonthlyReport> {
  const { month, promises, audit } = input;
  const ask = new Questions(input.prometheus, month);
  const seen = await coverage(ask);
  const spent = await cost(ask, promises);
  return {
    month,
    subject: input.subject,
    generatedAt: input.now,
    sections: [
      await serviceLevel(ask, promises),
      { ...spent, tables: [...spent.tables, usage(audit)] },
      await quality(ask, promises),
      await drift(ask),
      { title: "Incidents", figures: [seen], charts: [], tables: [await alerts(ask), endings(audit)] },
      oversight(audit),
    ],
    caveats: caveatsOf(input, seen),
  };
}
