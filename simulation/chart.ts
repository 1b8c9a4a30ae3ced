import escapeHtml from "escape-html";
import type { ReplicaPoint } from "./fleet.ts";

/** A line of the chart. */
export interface ChartLine {
  readonly label: string;
  readonly points: readonly ReplicaPoint[];
}

const SIZE = { width: 960, height: 320, left: 48, right: 16, top: 16, bottom: 56 } as const;

/** Colours that stay apart for readers who cannot tell red from green (Okabe and Ito). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"] as const;

/** Replicas over time as a self-contained SVG picture. */
export function replicaChart(title: string, lines: readonly ChartLine[]): string {
  const end = Math.max(1, ...lines.map(({ points }) => points.at(-1)?.seconds ?? 0));
  const most = Math.max(1, ...lines.flatMap(({ points }) => points.map(({ replicas }) => replicas)));
  const width = SIZE.width - SIZE.left - SIZE.right;
  const height = SIZE.height - SIZE.top - SIZE.bottom;
  const x = (seconds: number): string => (SIZE.left + (width * seconds) / end).toFixed(1);
  const y = (replicas: number): string => (SIZE.top + height * (1 - replicas / most)).toFixed(1);
  const path = (points: readonly ReplicaPoint[]): string =>
    points
      .map(({ seconds, replicas }, index) =>
        index === 0 ? `M${x(seconds)} ${y(replicas)}` : `H${x(seconds)}V${y(replicas)}`,
      )
      .join("");
  const marks = [0, Math.round(most / 2), most]
    .map((value) => `<text x="${SIZE.left - 8}" y="${y(value)}" text-anchor="end">${value}</text>`)
    .join("");
  const hours = [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const label =
        end > 7200 ? `${((share * end) / 3600).toFixed(0)} h` : `${((share * end) / 60).toFixed(0)} min`;
      return `<text x="${x(share * end)}" y="${SIZE.height - SIZE.bottom + 18}" text-anchor="middle">${label}</text>`;
    })
    .join("");
  const drawn = lines
    .map(({ label, points }, index) => {
      const colour = COLOURS[index % COLOURS.length] ?? COLOURS[0];
      const at = SIZE.left + (index * width) / lines.length;
      return (
        `<path d="${path(points)}" fill="none" stroke="${colour}" stroke-width="1.5"/>` +
        `<text x="${at.toFixed(0)}" y="${SIZE.height - 12}" fill="${colour}">${escapeHtml(label)}</text>`
      );
    })
    .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12"><title>${escapeHtml(title)}</title><rect width="100%" height="100%" fill="#fff"/>${marks}${hours}${drawn}</svg>\n`;
}
