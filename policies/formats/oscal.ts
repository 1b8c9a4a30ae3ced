import { createHash } from "node:crypto";
import type { ControlResult, PolicyReport } from "../report.ts";

const OSCAL_VERSION = "1.1.2";

/** UUID that is the same for the same name, so that two exports of one report are equal (RFC 9562, version 8 layout). */
function uuidOf(...names: readonly string[]): string {
  const hex = createHash("sha256").update(names.join("\n")).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** OSCAL ids are tokens: they begin with a letter and hold letters, digits, dots, dashes and underscores. */
function tokenOf(control: string): string {
  return control.toLowerCase();
}

function describe(result: ControlResult): string {
  const { status, checked, findings, attestations, reason } = result;
  const declared = attestations.map(
    ({ subject, reference, owner }) => `declared by ${owner}, not verified: ${subject} (${reference})`,
  );
  const said = findings.map(({ message, exemption }) =>
    exemption === undefined ? message : `${message} [exempted by ${exemption.id} until ${exemption.expires}]`,
  );
  const lines = [...said, ...declared];
  if (lines.length > 0) return lines.join("; ");
  return status === "pass" ? `${checked.length} resources checked` : (reason ?? status);
}

/**
 * A report as an OSCAL assessment-results document. `satisfied` is written only for controls that passed; what is declared,
 * exempted or undetermined is `not-satisfied` with the reason, and what does not apply is not a finding.
 * @see https://pages.nist.gov/OSCAL-Reference/models/v1.1.2/assessment-results/json-outline/
 */
export function toOscal(report: PolicyReport, version: string): object {
  const { stack, asOf, results, legalBaseline } = report;
  const judged = results.filter(({ status }) => status !== "not-applicable");
  const time = new Date(asOf).toISOString();
  return {
    "assessment-results": {
      uuid: uuidOf("results", stack, asOf),
      metadata: {
        title: `Controls of the LLMOps blueprint on stack ${stack}`,
        "last-modified": time,
        version,
        "oscal-version": OSCAL_VERSION,
      },
      "import-ap": { href: "docs/compliance.md" },
      results: [
        {
          uuid: uuidOf("result", stack, asOf),
          title: `Stack ${stack}`,
          description: `Evaluated against ${legalBaseline}. A control that passed says nothing about compliance with the law as a whole.`,
          start: time,
          "reviewed-controls": {
            "control-selections": [
              { "include-controls": judged.map(({ control }) => ({ "control-id": tokenOf(control) })) },
            ],
          },
          observations: judged.map((result) => ({
            uuid: uuidOf("observation", stack, asOf, result.control),
            title: `${result.control} ${result.title}`,
            description: describe(result),
            methods: [result.status === "attested" ? "EXAMINE" : "TEST"],
            collected: time,
          })),
          findings: judged.map((result) => ({
            uuid: uuidOf("finding", stack, asOf, result.control),
            title: `${result.control} ${result.title}`,
            description: `${result.status}: ${describe(result)}`,
            target: {
              type: "objective-id",
              "target-id": `${tokenOf(result.control)}_obj`,
              status: { state: result.status === "pass" ? "satisfied" : "not-satisfied" },
            },
            "related-observations": [
              { "observation-uuid": uuidOf("observation", stack, asOf, result.control) },
            ],
          })),
        },
      ],
    },
  };
}
