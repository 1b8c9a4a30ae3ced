import type { ResourceGraph } from "../graph/graph.ts";
import type { PolicyReport } from "../policies/report.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { classify, type Classification } from "../stacks/schema/classification.ts";

/** What documents are written from. */
export interface BundleInput {
  readonly stack: string;
  readonly config: PlatformConfig;
  readonly graph: ResourceGraph;
  readonly report: PolicyReport;
  /** Mermaid text of the architecture. */
  readonly diagram: string;
  /** Commit of the files, or null. */
  readonly commit: string | null;
  /** Version of the blueprint. */
  readonly version: string;
}

/** Input with what every document needs of it. */
export interface Facts extends BundleInput {
  readonly classification: Classification;
}

/** One document. */
export interface ComplianceDocument {
  /** File name without ending, with a number that orders the bundle. */
  readonly name: string;
  readonly title: string;
  readonly markdown: string;
}

/** What backs a statement in a document. */
export const MARKS = {
  /** A control read it from the resources. */
  verified: "[verified]",
  /** A person wrote it into the stack file; nobody checked it. */
  declared: "[declared]",
  /** Nobody has written it yet. */
  open: "[TO BE WRITTEN]",
} as const;

/** Completes the input. */
export function factsOf(input: BundleInput): Facts {
  return { ...input, classification: classify(input.config.riskClass) };
}

/** Text that is safe in a table cell. */
export function cell(text: string): string {
  return text.replace(/\|/g, "\\|").replace(/\s+/g, " ").trim();
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

/** A statement with its mark, as a list item. */
export function item(mark: keyof typeof MARKS, text: string): string {
  return `- **${MARKS[mark]}** ${text}`;
}

/** Status of a control in words that promise no more than was checked. */
export function statusOf(
  { report }: Facts,
  control: string,
): { readonly mark: string; readonly text: string } {
  const result = report.results.find((each) => each.control === control);
  if (result === undefined) return { mark: MARKS.open, text: `there is no control ${control}` };
  const { status, checked, findings, attestations, reason } = result;
  switch (status) {
    case "pass":
      return { mark: MARKS.verified, text: `${control} passed on ${checked.length} resources` };
    case "attested":
      return {
        mark: MARKS.declared,
        text: `${control}: ${attestations.map(({ reference, owner, expires }) => `${reference} by ${owner}, until ${expires}`).join("; ")}`,
      };
    case "not-applicable":
      return { mark: "[not checked]", text: `${control}: ${reason ?? ""}` };
    case "fail":
    case "unknown":
    case "exempt":
      return {
        mark: status === "exempt" ? "[EXEMPTED FINDING]" : "[OPEN FINDING]",
        text: `${control}: ${findings.map(({ message }) => message).join("; ")}`,
      };
  }
}

/** Status of a control as a list item. */
export function control(facts: Facts, id: string): string {
  const { mark, text } = statusOf(facts, id);
  return `- **${mark}** ${cell(text)}`;
}
