import { deltaOf, type CostChange, type StackDifference, type UnknownBase } from "./difference.ts";
import type { ResourcePrint, ReviewFinding } from "./snapshot.ts";

/** First line of the comment; whoever posts it looks for this line and replaces the comment. */
export const MARKER = "<!-- llmops-review -->";

/** GitHub takes 65,536 characters; a longer comment is cut with a note. */
const MAX_LENGTH = 60_000;
const MAX_ROWS = 40;

/** What is reviewed. */
export interface ReviewInput {
  readonly base: string;
  readonly head: string;
  readonly differences: readonly StackDifference[];
  /** Stacks whose base could not be planned, with the reason. */
  readonly unknownBase: readonly UnknownBase[];
  /** Why it may not be merged as it is. */
  readonly stops: readonly string[];
  /** ISO time. */
  readonly asOf: string;
}

/** Text that cannot break out of a table cell or a line. */
function safe(text: string): string {
  return text.replace(/[|<>`]/g, (character) => `&#${character.charCodeAt(0)};`).replace(/\s+/g, " ");
}

function money(value: string | null): string {
  return value === null ? "-" : Number(value).toLocaleString("en-US", { maximumFractionDigits: 0 });
}

function change(cost: CostChange): string {
  const delta = deltaOf(cost);
  if (delta === null || delta.isZero()) return money(cost.after);
  const sign = delta.isPositive() ? "+" : "-";
  return `${money(cost.after)} (${sign}${money(delta.abs().toFixed(2))})`;
}

function share({ ceiling, budget }: StackDifference["cost"]): string {
  if (ceiling.after === null || budget.after === null) return "-";
  return `${Math.round((Number(ceiling.after) / Number(budget.after)) * 100)} %`;
}

function costTable(differences: readonly StackDifference[]): string[] {
  return [
    "| Stack | Floor | Expected | Ceiling | Budget used at the ceiling |",
    "|---|---:|---:|---:|---:|",
    ...differences.map(
      ({ stack, cost }) =>
        `| ${safe(stack)} | ${change(cost.floor)} | ${change(cost.expected)} | ${change(cost.ceiling)} | ${share(cost)} |`,
    ),
    "",
    "USD per month of 730 hours; traffic, requests and log volume are billed by use and not in it.",
  ];
}

function findingLines(mark: string, findings: readonly ReviewFinding[]): string[] {
  const shown = findings
    .slice(0, MAX_ROWS)
    .map(
      ({ control, level, message }) =>
        `- ${mark} [${control}](docs/policies/${control}.md) (${level}): ${safe(message)}`,
    );
  const rest = findings.length - shown.length;
  return rest > 0 ? [...shown, `- ... and ${rest} more`] : shown;
}

function resourceLines(difference: StackDifference): string[] {
  const lines = (mark: string, resources: readonly ResourcePrint[]): string[] =>
    resources.map(({ type, name }) => `${mark} ${type} ${name}`);
  const all = [
    ...lines("+", difference.created),
    ...lines("~", difference.changed),
    ...lines("-", difference.deleted),
  ];
  if (all.length === 0) return [];
  const { created, changed, deleted } = difference;
  return [
    `<details><summary>${safe(difference.stack)}: ${created.length} created, ${changed.length} changed, ${deleted.length} deleted</summary>`,
    "",
    "```diff",
    ...all.slice(0, MAX_ROWS).map((line) => line.replace(/`/g, "'")),
    ...(all.length > MAX_ROWS ? [`  ... and ${all.length - MAX_ROWS} more`] : []),
    "```",
    "</details>",
    "",
  ];
}

function policyLines({ stack, findings, riskClass }: StackDifference): string[] {
  const { added, fixed, standing, exempted } = findings;
  const risk =
    riskClass.before !== null && riskClass.after !== null && riskClass.before !== riskClass.after
      ? [`- **Risk class changes from ${safe(riskClass.before)} to ${safe(riskClass.after)}**`]
      : [];
  const lines = [
    ...risk,
    ...findingLines("new:", added),
    ...findingLines(
      "still:",
      standing.filter(({ level }) => level === "mandatory"),
    ),
    ...findingLines("fixed:", fixed),
    ...exempted.map(
      ({ control, message, exemption }) =>
        `- exempted until ${exemption?.expires ?? ""} (${exemption?.id ?? ""}): ${control}: ${safe(message)}`,
    ),
  ];
  return lines.length === 0 ? [] : [`**${safe(stack)}**`, ...lines, ""];
}

/** The pull-request comment, in Markdown. */
export function commentOf(input: ReviewInput): string {
  const { base, head, differences, unknownBase, stops, asOf } = input;
  const resources = differences.flatMap(resourceLines);
  const policy = differences.flatMap(policyLines);
  const text = [
    MARKER,
    "#### What this change would deploy, cost and violate",
    "",
    stops.length === 0
      ? "Nothing that is checked stops it."
      : ["**It may not be merged as it is:**", ...stops.map((stop) => `- ${safe(stop)}`)].join("\n"),
    "",
    ...costTable(differences),
    "",
    "##### Controls",
    "",
    ...(policy.length === 0 ? ["No finding comes, goes or is exempted.", ""] : policy),
    "##### Resources",
    "",
    ...(resources.length === 0 ? ["No resource changes.", ""] : resources),
    ...unknownBase.map(
      ({ stack, reason }) =>
        `${safe(stack)}: the base could not be planned (${safe(reason)}), so everything counts as new.`,
    ),
    `<sub>${safe(base)} -> ${safe(head)}, judged as of ${asOf.slice(0, 10)}. Planned offline, nothing deployed. Hashes of what was judged: ${differences
      .flatMap(({ stack, evidenceSha256 }) =>
        evidenceSha256 === null ? [] : [`${safe(stack)} ${evidenceSha256.slice(0, 16)}`],
      )
      .join(", ")}. A control that passes says nothing about compliance with the law as a whole.</sub>`,
    "",
  ].join("\n");
  if (text.length <= MAX_LENGTH) return text;
  return `${text.slice(0, MAX_LENGTH)}\n\n... cut; \`llmops review\` prints the rest.\n`;
}
