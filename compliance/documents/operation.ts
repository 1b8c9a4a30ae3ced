import { readFileSync } from "node:fs";
import { ofType } from "../../graph/graph.ts";
import { valueAt, type GraphValue } from "../../graph/values.ts";
import { control, item, table, type ComplianceDocument, type Facts } from "../bundle.ts";

function list(value: GraphValue | undefined): readonly GraphValue[] {
  return Array.isArray(value) ? (value as readonly GraphValue[]) : [];
}

/** Plan of post-market monitoring from the alerts that are deployed. @see AI Act Art. 72 */
export function monitoringDocument(facts: Facts): ComplianceDocument {
  const rules = ofType(facts.graph, "kubernetes:monitoring.coreos.com/v1:PrometheusRule")
    .flatMap(({ inputs }) => list(valueAt(inputs, "spec.groups")))
    .flatMap((group) => list(valueAt(group, "rules")))
    .filter((rule) => typeof valueAt(rule, "alert") === "string");
  const text = (rule: GraphValue, path: string): string => {
    const value = valueAt(rule, path);
    return typeof value === "string" ? value : "-";
  };
  return {
    name: "07-post-market-monitoring",
    title: "Post-market monitoring plan (AI Act Art. 72)",
    markdown: [
      control(facts, "AIA-TST-02"),
      control(facts, "AIA-INC-01"),
      "",
      "## What is watched",
      "",
      rules.length === 0
        ? "No alert is deployed."
        : table(
            ["Alert", "Signal", "Severity", "What it means", "Runbook"],
            rules.map((rule) => [
              text(rule, "alert"),
              text(rule, "labels.signal"),
              text(rule, "labels.severity"),
              text(rule, "annotations.summary"),
              text(rule, "annotations.runbook"),
            ]),
          ),
      "",
      "## What people do",
      "",
      item("open", "Who reads the figures, how often, and who decides on corrective action (Art. 20)"),
      item("open", "How users and affected people report problems, and how these are evaluated"),
      item("open", "Review of this plan: date and owner"),
    ].join("\n"),
  };
}

/** The runbook for serious incidents, with the contacts of the stack. @see AI Act Art. 73 */
export function incidentDocument({ config }: Facts): ComplianceDocument {
  const runbook = readFileSync(new URL("../../docs/runbooks/serious-incident.md", import.meta.url), "utf8");
  const receivers = config.alerting.receivers.map(({ kind }) => kind).join(", ") || "none";
  return {
    name: "08-serious-incidents",
    title: "Serious incidents (AI Act Art. 73)",
    markdown: [
      item(
        "declared",
        `Oversight: ${config.oversight.contact}; accountable: ${config.riskClass.owner}; alerts go to ${receivers}`,
      ),
      item(
        "open",
        "Market surveillance authority and supervisory authority with contact, who informs them, and who stands in",
      ),
      "",
      ...runbook.split("\n").slice(1),
    ].join("\n"),
  };
}
