import escapeHtml from "escape-html";
import { blocking, type ControlResult, type PolicyReport } from "../report.ts";

/** Text inside XML; characters XML 1.0 does not know are left out. */
function escaped(text: string): string {
  return escapeHtml(text).replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, "");
}

function testCase(result: ControlResult): string {
  const { control, title, status, findings, reason } = result;
  const open = `    <testcase classname="${escaped(control)}" name="${escaped(title)}"`;
  const counting = findings.filter(({ exemption }) => exemption === undefined);
  const stopping = counting.filter(({ level }) => level === "mandatory");
  const text = escaped(counting.map(({ message }) => message).join("\n"));
  if (stopping.length > 0)
    return `${open}>\n      <failure message="${stopping.length} findings">${text}</failure>\n    </testcase>`;
  if (status === "not-applicable")
    return `${open}>\n      <skipped message="${escaped(reason ?? "")}"/>\n    </testcase>`;
  if (counting.length > 0 || status === "exempt" || status === "attested") {
    const said = text === "" ? `${status}, not verified as passed` : text;
    return `${open}>\n      <system-out>${said}</system-out>\n    </testcase>`;
  }
  return `${open}/>`;
}

/** A report as JUnit XML: a mandatory finding is a failure, what does not apply is skipped, a hint is output. */
export function toJunit(report: PolicyReport): string {
  const { results, exemptionFindings, stack, asOf } = report;
  const faults = exemptionFindings.map(
    ({ property, message }) =>
      `    <testcase classname="exemptions" name="${escaped(property ?? "")}">\n      <failure message="1 finding">${escaped(message)}</failure>\n    </testcase>`,
  );
  const failed = results.filter((result) =>
    result.findings.some(({ level, exemption }) => level === "mandatory" && exemption === undefined),
  ).length;
  const skipped = results.filter(({ status }) => status === "not-applicable").length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    `  <testsuite name="llmops-policy ${escaped(stack)}" tests="${results.length + faults.length}" failures="${failed + faults.length}" skipped="${skipped}" timestamp="${escaped(asOf)}">`,
    `    <properties><property name="stopping findings" value="${blocking(report).length}"/></properties>`,
    ...results.map(testCase),
    ...faults,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}
