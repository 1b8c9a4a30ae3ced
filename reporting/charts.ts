import escapeHtml from "escape-html";
import type { Unit } from "../components/observability/dashboards/panel.ts";
import { formatted } from "./format.ts";
import type { Period } from "./prometheus.ts";

/** A line of a chart; a gap in its points longer than `gapSeconds` is drawn as a gap. */
export interface ChartLine {
  readonly label: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** A bar of a chart. */
export interface ChartBar {
  readonly label: string;
  readonly value: number;
  /** @default the first colour */
  readonly colour?: string;
}

/** A horizontal line that values are judged by. */
export interface Mark {
  readonly value: number;
  readonly colour: string;
}

/** Lines over a period. */
export interface LineChart {
  readonly title: string;
  readonly unit: Unit;
  readonly period: Period;
  readonly lines: readonly ChartLine[];
  /** @default none */
  readonly marks?: readonly Mark[];
  /** Longest distance between two points that is still one line, seconds. */
  readonly gapSeconds: number;
}

/** Colours that stay apart for readers who cannot tell red from green (Okabe and Ito). */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333"] as const;

const WIDTH = 640;
const PLOT = { left: 76, right: 12, top: 10, bottom: 24, height: 150 } as const;
const LEGEND_ROW = 16;
const LEGEND_COLUMNS = 3;
const INK = "#44505c";
const GRID = "#e3e7eb";

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function svg(title: string, height: number, body: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `font-family="sans-serif" font-size="11" role="img"><title>${escapeHtml(title)}</title>${body}</svg>`
  );
}

/** Least of 1, 2, 2.5, 5 times a power of ten that is not below a value. */
function roundedUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value * (1 - 1e-9)) ?? 10) * power;
}

function timeLabel(seconds: number, { from, to }: Period): string {
  const iso = new Date(seconds * 1000).toISOString();
  return to.getTime() - from.getTime() > 3 * 86_400_000 ? iso.slice(5, 10) : iso.slice(11, 16);
}

function path(
  points: ChartLine["points"],
  gapSeconds: number,
  x: (seconds: number) => string,
  y: (value: number) => string,
): string {
  return points
    .map(([at, value], index) => {
      const before = points[index - 1]?.[0];
      const joined = before !== undefined && at - before <= gapSeconds;
      // A lone point between two gaps still leaves a dot.
      return joined ? `L${x(at)} ${y(value)}` : `M${x(at)} ${y(value)}h0.01`;
    })
    .join("");
}

/** Lines over time as a self-contained SVG picture; what is missing stays empty. */
export function lineChart({ title, unit, period, lines, marks = [], gapSeconds }: LineChart): string {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const shown = marks.filter(({ value }) => value <= Math.max(...values, 0) * 1.5);
  const highest = Math.max(...values, ...shown.map(({ value }) => value));
  const lowest = Math.min(0, ...values);
  // A share close to 1 would be a flat line at the top of a scale from 0.
  const isTight = unit === "percentunit" && Math.min(...values) > 0.9;
  const bottom = isTight
    ? Math.min(...values) - (1 - Math.min(...values)) * 0.25
    : lowest < 0
      ? -roundedUp(-lowest)
      : 0;
  const top = isTight ? 1 : unit === "percentunit" && highest > 0.5 && highest <= 1 ? 1 : roundedUp(highest);
  const width = WIDTH - PLOT.left - PLOT.right;
  const [start, end] = [period.from.getTime() / 1000, period.to.getTime() / 1000];
  const x = (seconds: number): string => (PLOT.left + (width * (seconds - start)) / (end - start)).toFixed(1);
  const y = (value: number): string =>
    (PLOT.top + PLOT.height * (1 - (Math.min(value, top) - bottom) / (top - bottom))).toFixed(1);
  const grid = [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const value = bottom + share * (top - bottom);
      return (
        `<path d="M${PLOT.left} ${y(value)}H${WIDTH - PLOT.right}" stroke="${GRID}"/>` +
        `<text x="${PLOT.left - 6}" y="${Number(y(value)) + 4}" text-anchor="end" fill="${INK}">${formatted(value, unit)}</text>`
      );
    })
    .join("");
  const times = [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const at = start + share * (end - start);
      const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
      return `<text x="${x(at)}" y="${PLOT.top + PLOT.height + 16}" text-anchor="${anchor}" fill="${INK}">${timeLabel(at, period)}</text>`;
    })
    .join("");
  const bounds = shown
    .map(
      ({ value, colour }) =>
        `<path d="M${PLOT.left} ${y(value)}H${WIDTH - PLOT.right}" stroke="${colour}" stroke-dasharray="5 4"/>`,
    )
    .join("");
  const drawn = lines
    .map(
      ({ points }, index) =>
        `<path d="${path(points, gapSeconds, x, y)}" fill="none" stroke="${colourOf(index)}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`,
    )
    .join("");
  const legendTop = PLOT.top + PLOT.height + PLOT.bottom;
  const columnWidth = (WIDTH - PLOT.left) / LEGEND_COLUMNS;
  const legend = lines
    .map(({ label }, index) => {
      const left = PLOT.left + (index % LEGEND_COLUMNS) * columnWidth;
      const at = legendTop + Math.floor(index / LEGEND_COLUMNS) * LEGEND_ROW;
      return (
        `<rect x="${left.toFixed(0)}" y="${at + 4}" width="12" height="3" fill="${colourOf(index)}"/>` +
        `<text x="${(left + 17).toFixed(0)}" y="${at + 10}" fill="${INK}">${escapeHtml(shortened(label, 28))}</text>`
      );
    })
    .join("");
  const rows = Math.ceil(lines.length / LEGEND_COLUMNS);
  return svg(title, legendTop + rows * LEGEND_ROW + 2, grid + times + bounds + drawn + legend);
}

const BAR = { height: 18, distance: 26, label: 210, value: 110 } as const;

/** Horizontal bars as a self-contained SVG picture. */
export function barChart(title: string, unit: Unit, bars: readonly ChartBar[]): string {
  const most = Math.max(...bars.map(({ value }) => value), 0) || 1;
  const width = WIDTH - BAR.label - BAR.value;
  const drawn = bars
    .map(({ label, value, colour = COLOURS[0] }, index) => {
      const top = 4 + index * BAR.distance;
      const length = Math.max(0, (width * value) / most);
      return (
        `<text x="${BAR.label - 8}" y="${top + 13}" text-anchor="end" fill="${INK}">${escapeHtml(shortened(label, 34))}</text>` +
        `<rect x="${BAR.label}" y="${top}" width="${length.toFixed(1)}" height="${BAR.height}" rx="2" fill="${colour}"/>` +
        `<text x="${(BAR.label + length + 6).toFixed(1)}" y="${top + 13}" fill="${INK}">${formatted(value, unit)}</text>`
      );
    })
    .join("");
  return svg(title, 8 + bars.length * BAR.distance, drawn);
}
