import type { Decision } from "./decision.ts";
import type { Difference } from "./differences.ts";
import type { Choices } from "./merge.ts";

/** What an upgrade of one stack did. */
export interface Migration {
  readonly stack: string;
  readonly template: string;
  /** Versions of the blueprint. */
  readonly from: string;
  readonly to: string;
  readonly changes: readonly Difference[];
  readonly own: readonly Difference[];
  readonly chosen: Choices;
  /** New versions of prompts, as paths. */
  readonly prompts: readonly string[];
  /** Decisions that were not asked for before. */
  readonly open: readonly Decision[];
}

/** A value in a table of Markdown. */
function cell(value: unknown): string {
  if (value === undefined) return "none";
  const text = (typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll("|", "\\|")
    .replaceAll("\n", " ");
  return `\`${text.length > 120 ? `${text.slice(0, 117)}...` : text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], none: string): string[] {
  if (rows.length === 0) return [none];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** What an upgrade changed, kept and leaves to decide, in Markdown. */
export function migrationNote({
  stack,
  template,
  from,
  to,
  changes,
  own,
  chosen,
  prompts,
  open,
}: Migration): string {
  const resolved = [
    ...chosen.keep.map((key) => [`\`${key}\``, "the client's value stays"]),
    ...chosen.take.map((key) => [`\`${key}\``, "the template's value was taken"]),
  ];
  return `${[
    `# ${stack}: from blueprint ${from} to ${to}`,
    "",
    `Merged from \`${template}\` by \`llmops clients upgrade\`.`,
    "",
    "## What changed",
    "",
    ...table(
      ["key", "before", "now"],
      changes.map(({ key, from: before, to: now }) => [`\`${key}\``, cell(before), cell(now)]),
      "No value; comments or order only.",
    ),
    "",
    "## What stays the client's",
    "",
    ...table(
      ["key", "template", "client"],
      own.map(({ key, from: theirs, to: ours }) => [`\`${key}\``, cell(theirs), cell(ours)]),
      "Nothing: the file is what a new fork would be.",
    ),
    "",
    ...(resolved.length === 0
      ? []
      : ["## Both had changed", "", ...table(["key", "decision"], resolved, ""), ""]),
    ...(prompts.length === 0
      ? []
      : ["## New versions of prompts", "", ...prompts.map((path) => `- \`${path}\``), ""]),
    ...(open.length === 0
      ? []
      : ["## To decide", "", ...open.map(({ key, what }) => `- \`${key}\`: ${what}`), ""]),
    "## Next",
    "",
    `1. \`npx llmops plan -s ${stack}\`: resources, cost, policy`,
    `2. \`npx llmops review --base main -s ${stack}\`: what the change would deploy`,
    `3. \`pulumi preview -s ${stack}\`, then \`pulumi up -s ${stack}\``,
  ].join("\n")}\n`;
}
