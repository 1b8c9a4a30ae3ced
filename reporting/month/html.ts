import escapeHtml from "escape-html";
import { pictureOf } from "./pictures.ts";
import type { Figure, MonthlyReport, ReportSection, ReportTable } from "./report.ts";
import { Sources } from "./sources.ts";
import { judgedFigures, monthWords, verdictOf, wordsOf } from "./words.ts";

const STYLE = `
:root { --ink: #1d2731; --soft: #5c6873; --line: #dfe4e8; --met: #1a7f4b; --missed: #c0392b; --unknown: #8a6d00; }
* { box-sizing: border-box; }
body { margin: 0; background: #eef1f4; color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 24px auto; background: #fff; padding: 40px 48px; border: 1px solid var(--line); border-radius: 8px; }
header { border-bottom: 3px solid var(--ink); padding-bottom: 16px; margin-bottom: 24px; }
header h1 { margin: 0; font-size: 28px; } header p { margin: 4px 0 0; color: var(--soft); }
h2 { margin: 36px 0 12px; font-size: 19px; border-bottom: 1px solid var(--line); padding-bottom: 6px; }
h3 { margin: 20px 0 6px; font-size: 14px; }
.cards { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; }
.card { border: 1px solid var(--line); border-left: 5px solid var(--soft); border-radius: 6px; padding: 10px 14px; break-inside: avoid; }
.card b { display: block; font-size: 21px; line-height: 1.3; overflow-wrap: anywhere; } .card b.long { font-size: 15px; }
.card span { color: var(--soft); font-size: 12.5px; display: block; }
.card.met { border-left-color: var(--met); } .card.missed { border-left-color: var(--missed); } .card.unknown { border-left-color: var(--unknown); }
.met > i, td.met { color: var(--met); } .missed > i, td.missed { color: var(--missed); } .unknown > i, td.unknown { color: var(--unknown); }
i { font-style: normal; font-weight: 600; }
.caveats { background: #f7f8fa; border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px 10px 32px; color: var(--soft); font-size: 13.5px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); padding: 5px 8px; }
td { border-bottom: 1px solid var(--line); padding: 5px 8px; vertical-align: top; } td.verdict { font-weight: 600; }
tr { break-inside: avoid; } .missing { color: var(--unknown); font-weight: 600; }
figure { margin: 8px 0 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }
sup { color: var(--soft); font-size: 10.5px; } ol { font-size: 11.5px; color: var(--soft); overflow-wrap: anywhere; }
@media print { body { background: #fff; } main { border: 0; margin: 0; padding: 0; max-width: none; } }`;

function cited(sources: Sources, source: string): string {
  return `<sup>[${sources.cite(source)}]</sup>`;
}

function card(figure: Figure): string {
  const words = wordsOf(figure);
  const verdict = verdictOf(figure);
  return (
    `<div class="card ${verdict}"><span>${escapeHtml(figure.label)}</span><b${words.length > 14 ? ' class="long"' : ""}>${escapeHtml(words)}</b>` +
    `<span>target: ${escapeHtml(figure.target?.text ?? "")}</span><i>${verdict}</i></div>`
  );
}

function figureTable(figures: readonly Figure[], sources: Sources): string {
  const rows = figures.map((figure) => {
    const verdict = verdictOf(figure);
    const value =
      figure.measured.kind === "no-data"
        ? `<span class="missing">no data</span> (${escapeHtml(figure.measured.reason)})`
        : escapeHtml(wordsOf(figure));
    return `<tr><td>${escapeHtml(figure.label)} ${cited(sources, figure.source)}</td><td>${value}</td><td>${escapeHtml(figure.target?.text ?? "")}</td><td class="verdict ${verdict}">${verdict}</td></tr>`;
  });
  return `<table><tr><th>figure</th><th>value</th><th>target</th><th>verdict</th></tr>${rows.join("")}</table>`;
}

function plainTable({ head, rows }: ReportTable): string {
  const line = (cells: readonly string[], tag: "td" | "th"): string =>
    `<tr>${cells.map((text) => `<${tag}>${escapeHtml(text)}</${tag}>`).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((cells) => line(cells, "td")).join("")}</table>`;
}

function section(each: ReportSection, report: MonthlyReport, sources: Sources): string {
  const parts = [
    each.figures.length === 0 ? "" : figureTable(each.figures, sources),
    ...each.charts.map((chart) =>
      "missing" in chart
        ? `<h3>${escapeHtml(chart.title)}</h3><p class="missing">no data (${escapeHtml(chart.missing)})</p>`
        : `<figure><h3>${escapeHtml(chart.title)} ${cited(sources, chart.source)}</h3>${pictureOf(chart, report)}</figure>`,
    ),
    ...each.tables.map((table) =>
      "missing" in table
        ? `<h3>${escapeHtml(table.title)}</h3><p class="missing">no data (${escapeHtml(table.missing)})</p>`
        : `<h3>${escapeHtml(table.title)} ${cited(sources, table.source)}</h3>${plainTable(table)}`,
    ),
  ];
  return `<section><h2>${escapeHtml(each.title)}</h2>${parts.join("")}</section>`;
}

/** The report as one self-contained page: no script, nothing fetched. */
export function reportHtml(report: MonthlyReport): string {
  const sources = new Sources();
  const sections = report.sections.map((each) => section(each, report, sources)).join("");
  const made = report.generatedAt.toISOString().slice(0, 16).replace("T", " ");
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(report.subject)}: ${monthWords(report)}</title><style>${STYLE}</style></head><body><main>`,
    `<header><h1>Monthly report: ${monthWords(report)}</h1><p>${escapeHtml(report.subject)} · made ${made} UTC</p></header>`,
    `<div class="cards">${judgedFigures(report).map(card).join("")}</div>`,
    `<h2>Before you read on</h2><ul class="caveats">${report.caveats.map((text) => `<li>${escapeHtml(text)}</li>`).join("")}</ul>`,
    sections,
    `<section><h2>Sources</h2><ol>${sources.list.map((source) => `<li>${escapeHtml(source)}</li>`).join("")}</ol></section>`,
    "</main></body></html>\n",
  ].join("\n");
}
