import type { CompiledAlert } from "./compiled.ts";

/** One way the platform fails, and who notices. */
export type FailureMode =
  | { readonly kind: "alerted"; readonly failure: string; readonly alerts: readonly string[] }
  | {
      readonly kind: "not-alerted";
      readonly failure: string;
      /** Why no alert of the platform sees it. */
      readonly reason: string;
      /** What notices it instead; "nothing" where nothing does. */
      readonly instead: string;
    };

function alerted(failure: string, ...alerts: readonly string[]): FailureMode {
  return { kind: "alerted", failure, alerts };
}

function open(failure: string, reason: string, instead: string): FailureMode {
  return { kind: "not-alerted", failure, reason, instead };
}

/** Failure modes of the platform; the list is a judgement, its alerts are checked against the compiled rules. */
export const FAILURE_MODES: readonly FailureMode[] = [
  alerted("Audit records cannot be made durable", "LlmopsAuditNotReady"),
  alerted("The audit store refuses segments", "LlmopsAuditShipFailing"),
  alerted("Audit records pile up on the gateway's volume", "LlmopsAuditBacklog"),
  alerted("The gateway is gone, or its metrics are", "LlmopsGatewayAbsent"),
  alerted("A person stopped a model", "LlmopsStopped"),
  alerted("Calls fail at once: engine, provider or no replica", "LlmopsErrorBudgetFastBurn"),
  alerted("A few calls fail all the time", "LlmopsErrorBudgetSlowBurn"),
  alerted("Answers become slow", "LlmopsLatencyP99FastBurn", "LlmopsLatencyP95FastBurn"),
  alerted("Answers are a little too slow for days", "LlmopsLatencyP99SlowBurn", "LlmopsLatencyP95SlowBurn"),
  alerted(
    "The first token comes late: queue, cold replica, long prompts",
    "LlmopsFirstTokenP95FastBurn",
    "LlmopsFirstTokenP99FastBurn",
  ),
  alerted(
    "The first token is a little late for days",
    "LlmopsFirstTokenP95SlowBurn",
    "LlmopsFirstTokenP99SlowBurn",
  ),
  alerted("The model hallucinates more than allowed", "LlmopsHallucinationRate", "LlmopsEvalFailuresDrift"),
  alerted("Guards find more in answers: leaks, refusals, injections that worked", "LlmopsQualityDrop"),
  alerted("Nobody measures quality any more", "LlmopsQualityUnmeasured"),
  alerted("Prompts change in length or language", "LlmopsPromptLengthDrift", "LlmopsInputTokensDrift"),
  alerted("Answers change in length", "LlmopsOutputTokensDrift"),
  alerted(
    "Guards judge otherwise than last week: attacks, new users, a changed guard",
    "LlmopsGuardVerdictDrift",
  ),
  alerted("Prompts are about something else", "LlmopsEmbeddingDrift"),
  alerted("Scores of answers move", "LlmopsEvalScoreDrift"),
  alerted(
    "Nobody measures what drift would be seen by",
    "LlmopsEmbeddingUnmeasured",
    "LlmopsEvalScoreUnmeasured",
  ),
  alerted("An hour costs a multiple: loop of an agent, leaked key", "LlmopsCostSpike"),
  alerted("The month will cost more than its budget", "LlmopsCostOverBudget"),
  open(
    "A silent change of meaning: answers as long, as fast, as often blocked, and wrong",
    "only judged answers show it; without an evaluation of live answers no metric moves",
    "LlmopsQualityUnmeasured says that nobody looks",
  ),
  open(
    "Prometheus or Alertmanager are down",
    "what watches cannot report its own absence",
    "the chart's Watchdog alert, where an outside service expects it; none is configured here",
  ),
  open(
    "Notifications do not arrive: wrong routing key, paging service down",
    "Alertmanager retries and counts failures, nobody is told",
    "nothing; send a test alert after each change of a receiver",
  ),
  open(
    "A GPU is sick: XID errors, ECC, throttling",
    "the pipeline file has no hardware in it",
    "its symptoms: latency and failed calls",
  ),
  open(
    "A call less than once in an hour fails",
    "a rate over five minutes to three days needs calls; latency needs 100 of them",
    "the caller, and the audit log",
  ),
  open(
    "One client of many suffers",
    "objectives are counted over all clients, so that labels stay few",
    "the dashboards by client, and `llmops audit search`",
  ),
  open(
    "Drift within the first week of a model",
    "there is no reference yet, or too few samples in it",
    "the evaluation before release",
  ),
  open(
    "Drift slower than the reference is long",
    "the reference drifts along",
    "the drift job, which compares with a fixed day",
  ),
  open(
    "Certificates, secrets and keys run out",
    "no component exports their dates",
    "failed calls on the day; nothing before",
  ),
  open(
    "A provider's price rises",
    "cost is counted at the price in the configuration",
    "the cloud's or provider's own bill",
  ),
];

const HEADER = [
  "# Alert coverage",
  "",
  "<!-- Written by `llmops pipeline coverage --write` from monitoring/coverage.ts and the shipped pipeline file; a test keeps it equal. -->",
  "",
  "What can go wrong, which alert says so, what starts by itself, and what people do. Each alert was fired and kept silent, with and without",
  "data, in the real Prometheus rule engine (`test/e2e/alerts`). An alert in brackets exists where the pipeline file asks for its objective; the shipped",
  "file does not.",
];

function described(names: readonly string[], byName: ReadonlyMap<string, CompiledAlert>): string {
  const alerts = names.map((name) => byName.get(name));
  const each = (read: (alert: CompiledAlert) => string): string =>
    [...new Set(alerts.flatMap((alert) => (alert === undefined ? [] : [read(alert)])))].join(", ");
  const cells = [
    names.map((name) => (byName.has(name) ? name : `(${name})`)).join(", "),
    each(({ severity }) => severity),
    each(({ action }) => action ?? "people only"),
    each(({ runbookUrl }) => {
      const page = runbookUrl.split("/").at(-1) ?? "";
      return `[${page.split(".")[0] ?? ""}](runbooks/${page})`;
    }),
  ];
  return cells.join(" | ");
}

/** The page about what alerts see and what they do not. */
export function coveragePage(alerts: readonly CompiledAlert[]): string {
  const byName = new Map(alerts.map((alert) => [alert.name, alert]));
  const seen = FAILURE_MODES.flatMap((mode) =>
    mode.kind === "alerted" ? [`| ${mode.failure} | ${described(mode.alerts, byName)} |`] : [],
  );
  const unseen = FAILURE_MODES.flatMap((mode) =>
    mode.kind === "not-alerted" ? [`| ${mode.failure} | ${mode.reason} | ${mode.instead} |`] : [],
  );
  return `${[
    ...HEADER,
    "",
    "| Failure | Alert | Severity | Loop | Runbook |",
    "|---|---|---|---|---|",
    ...seen,
    "",
    "## Without an alert",
    "",
    "| Failure | Why | Who notices instead |",
    "|---|---|---|",
    ...unseen,
  ].join("\n")}\n`;
}
