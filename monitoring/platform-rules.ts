import { METRICS } from "./metrics.ts";
import type { AlertRule, AlertSeverity, RuleGroup } from "./rule.ts";
import { runbookUrl } from "./runbooks.ts";

function audit(
  runbooks: string,
  alert: string,
  expr: string,
  wait: string,
  severity: AlertSeverity,
  summary: string,
): AlertRule {
  return {
    alert,
    expr,
    for: wait,
    labels: { severity, signal: "audit" },
    annotations: { summary, runbook_url: runbookUrl(runbooks, "audit-log", alert) },
  };
}

/** Alerts that no declarative file can switch off: the audit log and the stop switch. */
export function platformRules(runbooks: string): RuleGroup[] {
  const { auditReady, auditShipFailing, auditUnshipped, stops } = METRICS;
  return [
    {
      name: "llmops-audit",
      rules: [
        audit(
          runbooks,
          "LlmopsAuditNotReady",
          `min(${auditReady.name}) == 0`,
          "1m",
          "critical",
          "A gateway cannot record calls and refuses them",
        ),
        audit(
          runbooks,
          "LlmopsAuditShipFailing",
          `max(${auditShipFailing.name}) == 1`,
          "15m",
          "critical",
          "The audit store refuses sealed segments",
        ),
        audit(
          runbooks,
          "LlmopsAuditBacklog",
          `max(${auditUnshipped.name}) > 20`,
          "15m",
          "warning",
          "Sealed segments wait on the gateway's volume",
        ),
        audit(
          runbooks,
          "LlmopsGatewayAbsent",
          `absent(${auditReady.name})`,
          "5m",
          "critical",
          "No gateway reports; nobody can say whether calls are recorded",
        ),
      ],
    },
    {
      name: "llmops-oversight",
      rules: [
        {
          alert: "LlmopsStopped",
          expr: `max(${stops.name}) > 0`,
          for: "0m",
          labels: { severity: "serious_incident", signal: "oversight" },
          annotations: {
            summary: "A person has stopped a model",
            runbook_url: runbookUrl(runbooks, "serious-incident", "LlmopsStopped"),
          },
        },
      ],
    },
  ];
}
