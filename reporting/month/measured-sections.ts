import { budgetLeft, failedShare, percent } from "../../components/observability/dashboards/queries.ts";
import { HOURS_PER_MONTH } from "../../monitoring/environment.ts";
import { formatted } from "../format.ts";
import type { Questions } from "./questions.ts";
import { judged, type Figure, type ReportSection, type ReportTable } from "./report.ts";

/** What the stack file promises; without a stack nothing is held against anything of it. */
export interface Promises {
  readonly budgetUsd?: number;
  /** Share of calls that must be answered, for example 0.999. @default no promise, and so no error budget */
  readonly availability?: number;
  /** Largest share of judged answers that may be unsupported. @default no limit */
  readonly hallucinationLimit?: number;
  readonly objectives: readonly {
    readonly model: string;
    readonly ttftP95Seconds: number;
    readonly e2eP99Seconds: number;
  }[];
}

const DAY = 86_400;

function prometheus(expr: string): string {
  return `Prometheus: ${expr}`;
}

function percentile(share: number, metric: string, matchers: string, window: string): string {
  return `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket{${matchers}}[${window}])))`;
}

async function errorBudgetLeft(ask: Questions, promised: number): Promise<Figure> {
  const left = budgetLeft(ask.window, promised);
  return {
    label: "Error budget left",
    ...judged(await ask.one(left, "percentunit"), "above 0 %", (value) => value > 0),
    source: prometheus(left),
  };
}

/** Was the service there, and fast enough? */
export async function serviceLevel(
  ask: Questions,
  { objectives, availability: promised }: Promises,
): Promise<ReportSection> {
  const { window } = ask;
  const availability = `1 - ${failedShare(window)}`;
  const latencies = await Promise.all(
    objectives.flatMap(({ model, ttftP95Seconds, e2eP99Seconds }) => {
      const whole = percentile(
        0.99,
        "llmops_gateway_request_duration_seconds",
        `model="${model}",result="completed"`,
        window,
      );
      const first = percentile(
        0.95,
        "llmops_gateway_time_to_first_token_seconds",
        `model="${model}"`,
        window,
      );
      const figure = async (label: string, expr: string, bound: number): Promise<Figure> => ({
        label,
        ...judged(await ask.one(expr, "s"), `at most ${bound} s`, (value) => value <= bound),
        source: prometheus(expr),
      });
      return [
        figure(`${model}: whole call, p99`, whole, e2eP99Seconds),
        figure(`${model}: first token, p95`, first, ttftP95Seconds),
      ];
    }),
  );
  const answered = await ask.one(availability, "percentunit");
  return {
    title: "Service level",
    figures: [
      {
        label: "Availability",
        ...(promised === undefined
          ? { measured: answered }
          : judged(answered, `at least ${percent(promised)}`, (value) => value >= promised)),
        source: prometheus(availability),
      },
      ...(promised === undefined ? [] : [await errorBudgetLeft(ask, promised)]),
      ...latencies,
    ],
    charts: [
      await ask.chart(
        "Availability by day",
        "percentunit",
        `1 - ${failedShare("1d")}`,
        () => "availability",
        { stepSeconds: DAY / 4, ...(promised === undefined ? {} : { bound: promised }) },
      ),
    ],
    tables: [],
  };
}

/** What did it cost? */
export async function cost(ask: Questions, { budgetUsd }: Promises): Promise<ReportSection> {
  const { window } = ask;
  const perHour = `avg_over_time(llmops:cost_usd:per_hour[${window}])`;
  const month = `${perHour} * ${HOURS_PER_MONTH}`;
  const hours = `sum_over_time(llmops:cost_usd:per_hour[${window}:1h])`;
  const providers = `sum(increase(llmops_gateway_cost_total{currency="USD"}[${window}]))`;
  const rate = await ask.one(month, "currencyUSD");
  return {
    title: "Cost",
    figures: [
      {
        label: "Providers and GPU nodes, hours measured",
        measured: await ask.one(hours, "currencyUSD"),
        source: prometheus(hours),
      },
      {
        label: "A full month at this rate",
        ...(budgetUsd === undefined
          ? { measured: rate }
          : judged(rate, `budget ${formatted(budgetUsd, "currencyUSD")}`, (value) => value <= budgetUsd)),
        source: prometheus(month),
      },
      {
        label: "Paid to providers",
        measured: await ask.one(providers, "currencyUSD"),
        source: prometheus(providers),
      },
    ],
    charts: [
      await ask.chart("Cost per hour", "currencyUSD", "llmops:cost_usd:per_hour", () => "USD per hour", {
        ...(budgetUsd === undefined ? {} : { bound: budgetUsd / HOURS_PER_MONTH }),
      }),
    ],
    tables: [],
  };
}

/** Are answers as they should be, as far as guards can tell? */
export async function quality(ask: Questions, { hallucinationLimit }: Promises): Promise<ReportSection> {
  const touched = 'llmops_gateway_guard_verdicts_total{side="output",action=~"block|redact|replace|review"}';
  const share = `(sum(increase(${touched}[${ask.window}])) or vector(0)) / sum(increase(llmops_gateway_guard_verdicts_total{side="output"}[${ask.window}]))`;
  const byGuard = `sum by (guard, side, action) (increase(llmops_gateway_guard_verdicts_total{action!="pass"}[${ask.window}])) > 0`;
  const guards = await ask.all(byGuard);
  const read = `sum(increase(llmops_eval_judged_answers_total[${ask.window}]))`;
  const unsupported = `(sum(increase(llmops_eval_judged_answers_total{verdict="hallucinated"}[${ask.window}])) or 0 * ${read}) / ${read}`;
  const rate = await ask.one(unsupported, "percentunit");
  const title = "Interventions of guards";
  return {
    title: "Quality",
    figures: [
      {
        label: "Output verdicts that changed or held an answer",
        measured: await ask.one(share, "percentunit"),
        source: prometheus(share),
      },
      {
        label: "Judged answers that are not supported",
        ...(hallucinationLimit === undefined
          ? { measured: rate }
          : judged(
              rate,
              `below ${formatted(hallucinationLimit, "percentunit")}`,
              (value) => value < hallucinationLimit,
            )),
        source: prometheus(unsupported),
      },
      {
        label: "Answers a judge has read",
        measured: await ask.one(read, "short"),
        source: prometheus(read),
      },
    ],
    charts: [
      await ask.chart(
        "Output verdicts that changed or held an answer",
        "percentunit",
        "llmops:output_interventions:ratio_rate1h",
        () => "share, over an hour",
      ),
    ],
    tables: [
      guards.kind === "no-data"
        ? { title, missing: guards.reason }
        : {
            title,
            head: ["guard", "side", "action", "verdicts"],
            rows: guards.samples
              .toSorted((a, b) => b.value - a.value)
              .map(({ labels, value }) => [
                labels["guard"] ?? "",
                labels["side"] ?? "",
                labels["action"] ?? "",
                formatted(Math.round(value), "short"),
              ]),
            source: prometheus(byGuard),
          },
    ],
  };
}

/** Do models answer as they did? */
export async function drift(ask: Questions): Promise<ReportSection> {
  const length = "llmops:output_tokens_per_request:rate1h";
  const spread = `stddev_over_time(${length}[${ask.window}]) / avg_over_time(${length}[${ask.window}])`;
  const answers = await ask.all(spread);
  return {
    title: "Drift",
    figures:
      answers.kind === "no-data"
        ? [{ label: "Length of answers, spread", measured: answers, source: prometheus(spread) }]
        : answers.samples.map(({ labels, value }) => ({
            label: `${labels["model"] ?? "?"}: spread of the length of answers`,
            measured: { kind: "value", value, unit: "percentunit" },
            source: prometheus(spread),
          })),
    charts: [
      await ask.chart("Output tokens per answer", "short", length, (labels) => labels["model"] ?? "?"),
    ],
    tables: [],
  };
}

/** Which alerts fired, and for how long? */
export async function alerts(ask: Questions): Promise<ReportTable | { title: string; missing: string }> {
  const title = "Alerts that fired";
  const minutes = `count_over_time((max by (alertname, severity) (ALERTS{alertname=~"Llmops.+",alertstate="firing"}))[${ask.window}:1m])`;
  // That no alert fired is known only where the rules were evaluated: this one always gives a value.
  const evaluated = await ask.all(`count_over_time(llmops:cost_usd:per_hour[${ask.window}])`);
  if (evaluated.kind === "no-data") return { title, missing: `no rule was evaluated: ${evaluated.reason}` };
  const fired = await ask.all(minutes);
  return {
    title,
    head: ["alert", "severity", "minutes firing"],
    rows:
      fired.kind === "no-data"
        ? [["none in the time measured", "", ""]]
        : fired.samples
            .toSorted((a, b) => b.value - a.value)
            .map(({ labels, value }) => [
              labels["alertname"] ?? "",
              labels["severity"] ?? "",
              formatted(value, "short"),
            ]),
    source: prometheus(minutes),
  };
}

/** Share of the month for which Prometheus has the gateway's metrics. */
export async function coverage(ask: Questions): Promise<Figure> {
  const points = (ask.period.to.getTime() - ask.period.from.getTime()) / 1000 / 300;
  const expr = `count_over_time((count(llmops_gateway_audit_ready))[${ask.window}:5m]) / ${Math.max(1, Math.round(points))}`;
  const share = await ask.one(expr, "percentunit");
  const capped = share.kind === "value" ? { ...share, value: Math.min(1, share.value) } : share;
  return {
    label: "Part of the month that Prometheus saw",
    ...judged(capped, "at least 99 %", (value) => value >= 0.99),
    source: prometheus(expr),
  };
}
