import { pictureName } from "./pictures.ts";
import type { MonthlyReport, ReportSection } from "./report.ts";
import { Sources } from "./sources.ts";
import { judgedFigures, monthWords, verdictOf, wordsOf } from "./words.ts";

/** Text that is safe in a table cell and starts no markup. */
function cell(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>|]/g, (mark) => `\\${mark}`)
    .trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

function section({ title, figures, charts, tables }: ReportSection, sources: Sources): string {
  const cite = (source: string): string => `[${sources.cite(source)}]`;
  const parts = [
    ...(figures.length === 0
      ? []
      : [
          table(
            ["figure", "value", "target", "verdict", "source"],
            figures.map((each) => [
              each.label,
              each.measured.kind === "no-data" ? `no data: ${each.measured.reason}` : wordsOf(each),
              each.target?.text ?? "",
              verdictOf(each),
              cite(each.source),
            ]),
          ),
        ]),
    ...charts.map((chart) =>
      "missing" in chart
        ? `**${chart.title}**: no data (${chart.missing}).`
        : `**${chart.title}** ${cell(cite(chart.source))}\n\n![${chart.title}](${pictureName(chart.title)})`,
    ),
    ...tables.map((each) =>
      "missing" in each
        ? `**${each.title}**: no data (${each.missing}).`
        : `**${each.title}** ${cell(cite(each.source))}\n\n${table(each.head, each.rows)}`,
    ),
  ];
  return `## ${title}\n\n${parts.join("\n\n")}`;
}

/** The report as Markdown, without its title; charts are pictures beside it. */
export function reportMarkdown(report: MonthlyReport): string {
  const sources = new Sources();
  const sections = report.sections.map((each) => section(each, sources));
  const summary = table(
    ["held against a target", "value", "target", "verdict"],
    judgedFigures(report).map((each) => [
      each.label,
      wordsOf(each),
      each.target?.text ?? "",
      verdictOf(each),
    ]),
  );
  return [
    `${report.subject}, ${monthWords(report)}; made ${report.generatedAt.toISOString().slice(0, 16).replace("T", " ")} UTC.`,
    `## Summary\n\n${summary}`,
    `## Before you read on\n\n${report.caveats.map((text) => `- ${text}`).join("\n")}`,
    ...sections,
    `## Sources\n\n${sources.list.map((source, index) => `${index + 1}. ${cell(source)}`).join("\n")}`,
  ].join("\n\n");
}
