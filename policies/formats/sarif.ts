import { createHash } from "node:crypto";
import { CATALOGUE } from "../catalogue.ts";
import type { Control } from "../controls/control.ts";
import type { Finding, PolicyReport } from "../report.ts";

/** Severity scores of GitHub code scanning: over 9 critical, 7 high, 4 medium. */
const SCORES = { critical: "9.5", high: "8.0", medium: "5.5", low: "2.0" } as const;

function rule({ id, title, rationale, remediation, severity, legal }: Control): object {
  return {
    id,
    name: title,
    shortDescription: { text: title },
    fullDescription: { text: rationale },
    help: { text: `${remediation} See docs/policies/${id}.md.` },
    properties: {
      tags: ["policy", ...legal.map(({ reference }) => reference)],
      "security-severity": SCORES[severity],
    },
  };
}

function result(finding: Finding, file: string): object {
  const { control, level, resource, property, message, remediation, exemption, status } = finding;
  const print = createHash("sha256")
    .update([control, resource, property ?? ""].join("\n"))
    .digest("hex");
  return {
    ruleId: control,
    kind: status === "unknown" ? "open" : "fail",
    level: status === "unknown" ? "none" : level === "mandatory" ? "error" : "warning",
    message: { text: `${message}. ${remediation}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: file }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: resource }],
      },
    ],
    partialFingerprints: { "llmopsFinding/v1": print },
    ...(exemption === undefined
      ? {}
      : {
          suppressions: [
            {
              kind: "external",
              status: "accepted",
              justification: `${exemption.id} until ${exemption.expires}: ${exemption.reason}`,
            },
          ],
        }),
  };
}

/**
 * Findings as SARIF 2.1.0; what passed is in the evidence record.
 * @param file file the findings are shown at
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function toSarif(report: PolicyReport, file: string, version: string): object {
  const findings = [...report.results.flatMap((each) => each.findings), ...report.exemptionFindings];
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "llmops-policy", version, rules: CATALOGUE.map(rule) } },
        results: findings.map((finding) => result(finding, file)),
      },
    ],
  };
}
