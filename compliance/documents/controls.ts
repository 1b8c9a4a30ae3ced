import { cell, table, type ComplianceDocument, type Facts } from "../bundle.ts";

/** Every control with what was seen, and what no control checks. */
export function controlsDocument({ report }: Facts): ComplianceDocument {
  const rows = report.results.map(
    ({ control, title, status, level, checked, findings, attestations, reason }) => [
      control,
      title,
      status,
      level,
      findings.length > 0
        ? findings
            .map(({ message, exemption }) =>
              exemption === undefined
                ? message
                : `${message} [exempted by ${exemption.id} until ${exemption.expires}]`,
            )
            .join("; ")
        : attestations.length > 0
          ? `declared, not verified: ${attestations.map(({ reference, owner }) => `${reference} (${owner})`).join("; ")}`
          : status === "not-applicable"
            ? (reason ?? "")
            : `${checked.length} resources checked`,
    ],
  );
  const limits = report.results.flatMap(({ control, status, reason }) =>
    status === "not-applicable" || reason === undefined ? [] : [`- ${control}: ${cell(reason)}`],
  );
  return {
    name: "03-controls",
    title: "Controls and what they saw",
    markdown: [
      `Evaluated as of ${report.asOf.slice(0, 10)} against ${report.legalBaseline}. "pass" means that a rule held on the resources named; it does not mean that the system complies with the law.`,
      "",
      table(["Control", "Title", "Status", "Level", "Seen"], rows),
      "",
      "## What these controls do not see",
      "",
      ...limits,
    ].join("\n"),
  };
}
