import { HOURS_PER_MONTH } from "../../../monitoring/environment.ts";
import {
  highIsGood,
  INFORMS,
  lowIsGood,
  type DashboardSpec,
  type Panel,
  type PanelGroup,
  type PanelQuery,
} from "./panel.ts";
import {
  budgetLeft,
  errorBudget,
  failedShare,
  increase,
  ofCalls,
  ofModels,
  orZero,
  percent,
  rangeQuantile,
} from "./queries.ts";
import { strictest, type DashboardScope } from "./scope.ts";

const USD = 'currency="USD"';

function one(expr: string, legend: string): readonly [PanelQuery] {
  return [{ expr, legend }];
}

function serviceLevel(scope: DashboardScope): PanelGroup {
  const { availability } = scope;
  const budget = errorBudget(availability);
  const promised = percent(availability);
  const e2e = strictest(scope, ({ e2eP99Seconds }) => e2eP99Seconds);
  const durations = ofModels("request_duration_seconds_bucket", 'result="completed"');
  return {
    title: "Service level",
    panels: [
      {
        title: "Availability",
        description: `Share of the calls the platform should have answered that it answered. What guards, limits and callers' own mistakes refuse is not counted. Objective ${promised}.`,
        unit: "percentunit",
        visual: "value",
        queries: one(`1 - ${failedShare("$__range")}`, "answered"),
        thresholds: highIsGood(availability - budget, availability),
        runbook: "availability",
      },
      {
        title: "Error budget left",
        description: `What is left of the failures an objective of ${promised} allows in the range shown. Below zero the objective is missed: stop risky changes.`,
        unit: "percentunit",
        visual: "value",
        queries: one(budgetLeft("$__range", availability), "left"),
        thresholds: highIsGood(0, 0.25),
        runbook: "availability",
      },
      {
        title: "Speed at which the error budget burns",
        description:
          "1 uses the budget up exactly in a month; 14.4 uses 2 % of it in an hour and pages. Over one and six hours.",
        unit: "short",
        visual: "lines",
        queries: [
          { expr: `slo:sli_error:ratio_rate1h{sloth_slo="availability"} / ${budget}`, legend: "1 h" },
          { expr: `slo:sli_error:ratio_rate6h{sloth_slo="availability"} / ${budget}`, legend: "6 h" },
        ],
        thresholds: lowIsGood(1, 14.4),
        runbook: "availability",
      },
      {
        title: "Slowest 1 % of completed calls",
        description: `99th percentile of the whole call, by model${e2e === undefined ? "" : `; the strictest objective here is ${e2e} s`}. Estimated from histogram buckets.`,
        unit: "s",
        visual: "bars",
        queries: one(rangeQuantile(0.99, durations, "model"), "{{model}}"),
        thresholds: e2e === undefined ? INFORMS : lowIsGood(e2e * 0.8, e2e),
        runbook: "availability",
      },
    ],
  };
}

function cost({ budgetUsd }: DashboardScope): PanelGroup {
  const perHour = budgetUsd / HOURS_PER_MONTH;
  const calls = `sum(rate(${ofCalls("requests_total", 'result="completed"')}[1h]))`;
  return {
    title: "Cost",
    panels: [
      {
        title: "Cost per hour",
        description:
          "What external providers were paid in the last hour and the GPU nodes that run, at list price. Other cloud resources are in the plan, not here.",
        unit: "currencyUSD",
        visual: "value",
        queries: one("llmops:cost_usd:per_hour", "now"),
        thresholds: lowIsGood(perHour * 0.8, perHour),
        runbook: "cost",
      },
      {
        title: "A month at this rate",
        description: `Mean cost per hour of the range shown over 730 hours, against the budget of ${budgetUsd} USD.`,
        unit: "currencyUSD",
        visual: "value",
        queries: one(`avg_over_time(llmops:cost_usd:per_hour[$__range]) * ${HOURS_PER_MONTH}`, "month"),
        thresholds: lowIsGood(budgetUsd * 0.8, budgetUsd),
        runbook: "cost",
      },
      {
        title: "Cost per hour over time",
        description: `The budget allows ${perHour.toFixed(2)} USD per hour.`,
        unit: "currencyUSD",
        visual: "lines",
        queries: one("llmops:cost_usd:per_hour", "USD per hour"),
        thresholds: lowIsGood(perHour * 0.8, perHour),
        runbook: "cost",
      },
      {
        title: "Cost of a thousand answers",
        description: "Cost per hour over completed calls per hour: idle GPUs make it rise.",
        unit: "currencyUSD",
        visual: "lines",
        queries: one(`1000 * sum(llmops:cost_usd:per_hour) / (${calls} * 3600 > 0)`, "per 1000"),
        thresholds: INFORMS,
        runbook: "cost",
      },
    ],
  };
}

function providerCost(): PanelGroup {
  const spread = (label: string): Panel => ({
    title: `Paid to providers, by ${label}`,
    description: `Cost of external providers in the range shown, by ${label}; own GPUs are not in it.`,
    unit: "currencyUSD",
    visual: "bars",
    queries: one(increase(ofCalls("cost_total", USD), label), `{{${label}}}`),
    thresholds: INFORMS,
    runbook: "cost",
  });
  return { title: "Cost of providers", panels: [spread("client"), spread("model")] };
}

function quality({ measured }: DashboardScope): PanelGroup {
  const hallucinations = measured.filter(({ id }) => id === "hallucination_rate");
  return {
    title: "Quality",
    panels: [
      {
        title: "Answers guards had to touch",
        description:
          "Share of output verdicts that block, redact, replace or hand over to a person. It is no measure of whether an answer is right.",
        unit: "percentunit",
        visual: "value",
        queries: one("llmops:output_interventions:ratio_rate1h", "share"),
        thresholds: lowIsGood(0.01, 0.03),
        runbook: "quality",
      },
      {
        title: "Answers guards had to touch, over time",
        description: "A rise after a change of model, prompt or guard points at that change.",
        unit: "percentunit",
        visual: "lines",
        queries: one("llmops:output_interventions:ratio_rate1h", "share"),
        thresholds: lowIsGood(0.01, 0.03),
        runbook: "quality",
      },
      ...hallucinations.map(({ title, series, limit = 1 }): Panel => ({
        title,
        description: `Share of the live answers a judge has read that their sources do not support, over an hour; the limit is ${limit * 100} %. Without a judge there is no data.`,
        unit: "percentunit",
        visual: "lines",
        queries: one(`${series}{model=~"$model"}`, "{{model}}"),
        thresholds: lowIsGood(limit * 0.75, limit),
        runbook: "quality",
      })),
      {
        title: "Length of answers",
        description: "Output tokens per completed call; a jump without a release is drift.",
        unit: "short",
        visual: "lines",
        queries: one('llmops:output_tokens_per_request:rate1h{model=~"$model"}', "{{model}}"),
        thresholds: INFORMS,
        runbook: "drift",
      },
    ],
  };
}

function risk(): PanelGroup {
  const state = (title: string, description: string, expr: string, runbook: string): Panel => ({
    title,
    description,
    unit: "short",
    visual: "value",
    queries: one(expr, "now"),
    thresholds: lowIsGood(1, 1),
    runbook,
  });
  return {
    title: "Risk",
    panels: [
      {
        title: "Gateways that record every call",
        description: "Share of the gateways whose audit log takes records; the others refuse calls.",
        unit: "percentunit",
        visual: "value",
        queries: one("avg(llmops_gateway_audit_ready)", "ready"),
        thresholds: highIsGood(0.5, 1),
        runbook: "audit-log",
      },
      state(
        "Models stopped by a person",
        "Stops in force; each starts the reporting clocks of a serious incident.",
        "max(llmops_gateway_stops_in_force)",
        "serious-incident",
      ),
      state(
        "Throttled",
        "1 while an alert about cost halves each client's rates.",
        "max(llmops_gateway_throttles_in_force)",
        "cost",
      ),
      state(
        "Alerts that fire",
        "Alerts of the platform that fire now, of any severity.",
        orZero('count(ALERTS{alertname=~"Llmops.+", alertstate="firing"})'),
        "availability",
      ),
      {
        title: "Calls refused or held by guards",
        description: "Calls in the range shown that a guard blocked or handed to a person.",
        unit: "short",
        visual: "bars",
        queries: one(increase(ofCalls("requests_total", 'result=~"blocked|review"'), "result"), "{{result}}"),
        thresholds: INFORMS,
        runbook: "quality",
      },
    ],
  };
}

function adoption(): PanelGroup {
  const completed = ofCalls("requests_total", 'result=~"completed|cached"');
  return {
    title: "Adoption",
    panels: [
      {
        title: "Clients that called",
        description: "Clients with at least one answered call in the range shown.",
        unit: "short",
        visual: "value",
        queries: one(`count(${increase(completed, "client")} > 0)`, "clients"),
        thresholds: INFORMS,
        runbook: "availability",
      },
      {
        title: "Answered calls",
        description: "Completed and cached calls in the range shown.",
        unit: "short",
        visual: "value",
        queries: one(increase(completed), "calls"),
        thresholds: INFORMS,
        runbook: "availability",
      },
      {
        title: "Answered calls per day",
        description: "By client, over the day before each point.",
        unit: "short",
        visual: "lines",
        queries: one(`sum by (client) (increase(${completed}[1d]))`, "{{client}}"),
        thresholds: INFORMS,
        runbook: "availability",
      },
      {
        title: "Tokens by client",
        description: "Input and output tokens in the range shown.",
        unit: "short",
        visual: "bars",
        queries: [
          { expr: increase(ofCalls("input_tokens_total"), "client"), legend: "{{client}}, input" },
          { expr: increase(ofCalls("output_tokens_total"), "client"), legend: "{{client}}, output" },
        ],
        thresholds: INFORMS,
        runbook: "cost",
      },
    ],
  };
}

/** For those who answer for the service: is it kept, what does it cost, is it good, is it safe, is it used. */
export function executiveDashboard(scope: DashboardScope): DashboardSpec {
  return {
    uid: "llmops-executive",
    title: "LLMOps: executive",
    description: "Service level, cost, quality, risk and adoption.",
    from: "now-30d",
    groups: [
      serviceLevel(scope),
      cost(scope),
      ...(scope.providers === "priced" ? [providerCost()] : []),
      quality(scope),
      risk(),
      adoption(),
    ],
  };
}
