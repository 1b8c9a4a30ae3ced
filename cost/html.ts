import escapeHtml from "escape-html";
import { costChart } from "./chart.ts";
import type { EnvironmentCost } from "./environment.ts";
import { environmentTables, type CostTable } from "./tables.ts";

const STYLE =
  "body{font-family:sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;margin:.5rem 0}" +
  "th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:right}th.text,td.text{text-align:left}p.note{color:#555}";

function tableHtml({ title, head, rows, textColumns, note }: CostTable): string {
  const cells = (tag: "th" | "td", row: readonly string[]): string =>
    row
      .map(
        (cell, index) => `<${tag}${index < textColumns ? ' class="text"' : ""}>${escapeHtml(cell)}</${tag}>`,
      )
      .join("");
  return (
    `<h2>${escapeHtml(title)}</h2><table><thead><tr>${cells("th", head)}</tr></thead><tbody>` +
    `${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("")}</tbody></table>` +
    (note === undefined ? "" : `<p class="note">${escapeHtml(note)}</p>`)
  );
}

/** A page without anything from elsewhere: chart and tables of each environment. */
export function costPage(environments: readonly EnvironmentCost[]): string {
  const sections = environments
    .map(
      (environment) =>
        `<section><h1>${escapeHtml(environment.stack)}</h1>${costChart(environment)}` +
        `<p>Ceiling ${environment.report.monthlyUsd.max} USD, budget ${environment.report.budgetUsd} USD per month: ${environment.report.verdict}.</p>` +
        environmentTables(environment).map(tableHtml).join("") +
        `<p class="note">Billed by use, in these figures only as far as budget.usage declares it: ${escapeHtml(environment.report.byUse.join(", ") || "nothing")}.</p></section>`,
    )
    .join("");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cost</title><style>${STYLE}</style></head><body>${sections}</body></html>\n`;
}
