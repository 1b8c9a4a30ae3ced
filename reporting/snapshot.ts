import escapeHtml from "escape-html";
import type { DashboardSpec, Panel, Threshold } from "../components/observability/dashboards/panel.ts";
import { barChart, lineChart, type Mark } from "./charts.ts";
import { formatted } from "./format.ts";
import { legendOf, type FilledPanel, type Look, type QueryResult } from "./panels.ts";

const COLOURS: Readonly<Record<Threshold["meaning"], string>> = {
  good: "#1a7f4b",
  warning: "#b86e00",
  bad: "#c0392b",
  neutral: "#0072b2",
};

const STYLE = `
body { margin: 0; padding: 20px 24px; background: #f3f5f7; color: #1d2731; font: 14px/1.4 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 15px; margin: 20px 0 8px; color: #44505c; text-transform: uppercase; letter-spacing: .05em; }
.note { margin: 4px 0 0; color: #5c6873; }
.grid { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; }
.panel { background: #fff; border: 1px solid #dfe4e8; border-radius: 6px; padding: 12px; grid-column: span 2; }
.panel.value { grid-column: span 1; }
.panel h3 { font-size: 13px; margin: 0 0 6px; } .panel svg { width: 100%; height: auto; display: block; }
.number { font-size: 28px; font-weight: 600; }
.empty { color: #c0392b; font-weight: 600; padding: 20px 0; }`;

function colourOf(value: number, { thresholds }: Panel): string {
  const step = thresholds.findLast(({ from }) => from === null || value >= from);
  return COLOURS[step?.meaning ?? "neutral"];
}

function marksOf({ thresholds }: Panel): Mark[] {
  return thresholds.flatMap(({ from, meaning }) =>
    from === null ? [] : [{ value: from, colour: COLOURS[meaning] }],
  );
}

/** Series of all queries with their legends. */
function labelled<T extends { readonly labels: Readonly<Record<string, string>> }>(
  { panel, results }: FilledPanel,
  pick: (result: QueryResult) => readonly T[],
): (T & { readonly label: string })[] {
  return results.flatMap((result, index) =>
    pick(result).map((series) => ({
      ...series,
      label: legendOf(panel.queries[index]?.legend ?? "", series.labels),
    })),
  );
}

function body(filled: FilledPanel, { period, stepSeconds }: Look): string {
  const { panel } = filled;
  const lines = labelled(filled, (result) => (result.kind === "lines" ? result.lines : []));
  const samples = labelled(filled, (result) => (result.kind === "values" ? result.samples : []));
  if (lines.length > 0)
    return lineChart({
      title: panel.title,
      unit: panel.unit,
      period,
      lines,
      marks: marksOf(panel),
      gapSeconds: stepSeconds * 1.5,
    });
  const [first] = samples;
  if (first === undefined) return '<div class="empty">no data</div>';
  return panel.visual === "value"
    ? `<div class="number" style="color:${colourOf(first.value, panel)}">${formatted(first.value, panel.unit)}</div>`
    : barChart(
        panel.title,
        panel.unit,
        samples.map(({ label, value }) => ({ label, value, colour: colourOf(value, panel) })),
      );
}

/** A dashboard with its values as one self-contained page; it is a picture of the same queries, not Grafana. */
export function snapshotPage(
  spec: DashboardSpec,
  panels: readonly FilledPanel[],
  look: Look,
  note: string,
): string {
  const groups = spec.groups.map(({ title }) => {
    const own = panels
      .filter(({ group }) => group === title)
      .map(
        (filled) =>
          `<div class="panel ${filled.panel.visual}" title="${escapeHtml(filled.panel.description)}"><h3>${escapeHtml(filled.panel.title)}</h3>${body(filled, look)}</div>`,
      );
    return `<h2>${escapeHtml(title)}</h2><div class="grid">${own.join("")}</div>`;
  });
  const [from, to] = [look.period.from, look.period.to].map((time) =>
    time.toISOString().slice(0, 16).replace("T", " "),
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(spec.title)}</title><style>${STYLE}</style><h1>${escapeHtml(spec.title)}</h1><p class="note">${from ?? ""} to ${to ?? ""} UTC. ${escapeHtml(note)}</p>${groups.join("")}</html>\n`;
}
