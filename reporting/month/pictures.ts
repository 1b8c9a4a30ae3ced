import { lineChart } from "../charts.ts";
import type { MonthlyReport, ReportChart } from "./report.ts";

const HOUR = 3600;
const BOUND = "#c0392b";

/** File name of a chart's picture. */
export function pictureName(title: string): string {
  return `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.svg`;
}

/** The picture of a chart. */
export function pictureOf({ title, unit, lines, bound }: ReportChart, { month }: MonthlyReport): string {
  return lineChart({
    title,
    unit,
    period: month,
    lines,
    gapSeconds: 7 * HOUR,
    ...(bound === undefined ? {} : { marks: [{ value: bound, colour: BOUND }] }),
  });
}

/** Pictures of all charts by file name. */
export function pictures(report: MonthlyReport): Map<string, string> {
  const charts = report.sections.flatMap((section) => section.charts).filter((chart) => "lines" in chart);
  return new Map(charts.map((chart) => [pictureName(chart.title), pictureOf(chart, report)]));
}
