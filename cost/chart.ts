import { Decimal } from "decimal.js";
import escapeHtml from "escape-html";
import type { Part } from "./breakdown.ts";
import type { EnvironmentCost } from "./environment.ts";

const SIZE = { width: 960, left: 96, right: 24, top: 40, bar: 36, gap: 20, legend: 20 } as const;

/** Colours that stay apart for readers who cannot tell red from green (Okabe and Ito). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"] as const;

/** Parts drawn on their own; the others are one. */
const MOST_PARTS = COLOURS.length - 1;

/** The dearest parts by ceiling, the others added up. */
function drawn(parts: readonly Part[]): Part[] {
  const sorted = [...parts].sort((a, b) => new Decimal(b.monthlyUsd.max).comparedTo(a.monthlyUsd.max));
  const others = sorted.slice(MOST_PARTS);
  if (others.length === 0) return sorted;
  const sum = (key: "min" | "expected" | "max"): string =>
    others.reduce((total, { monthlyUsd }) => total.plus(monthlyUsd[key]), new Decimal(0)).toFixed(2);
  return [
    ...sorted.slice(0, MOST_PARTS),
    {
      name: `${others.length} others`,
      monthlyUsd: { min: sum("min"), expected: sum("expected"), max: sum("max") },
    },
  ];
}

/** Floor, expected and ceiling of an environment by model, with its budget, as a self-contained SVG picture. */
export function costChart({ stack, byModel, report }: EnvironmentCost): string {
  const parts = drawn(byModel);
  const rows = [
    ["floor", "min"],
    ["expected", "expected"],
    ["ceiling", "max"],
  ] as const;
  const most = Math.max(1, Number(report.monthlyUsd.max), Number(report.budgetUsd));
  const width = SIZE.width - SIZE.left - SIZE.right;
  const x = (usd: number): number => (width * usd) / most;
  const height =
    SIZE.top + rows.length * (SIZE.bar + SIZE.gap) + SIZE.legend * Math.ceil(parts.length / 3) + SIZE.gap;
  const bars = rows
    .map(([label, key], row) => {
      const y = SIZE.top + row * (SIZE.bar + SIZE.gap);
      let at = 0;
      const segments = parts
        .map(({ name, monthlyUsd }, index) => {
          const usd = Number(monthlyUsd[key]);
          const rect = `<rect x="${(SIZE.left + x(at)).toFixed(1)}" y="${y}" width="${x(usd).toFixed(1)}" height="${SIZE.bar}" fill="${COLOURS[index] ?? COLOURS[0]}"><title>${escapeHtml(name)}: ${monthlyUsd[key]} USD</title></rect>`;
          at += usd;
          return usd === 0 ? "" : rect;
        })
        .join("");
      return (
        `<text x="${SIZE.left - 8}" y="${y + SIZE.bar / 2 + 4}" text-anchor="end">${label}</text>${segments}` +
        `<text x="${(SIZE.left + x(at) + 6).toFixed(1)}" y="${y + SIZE.bar / 2 + 4}">${report.monthlyUsd[key]}</text>`
      );
    })
    .join("");
  const bottom = SIZE.top + rows.length * (SIZE.bar + SIZE.gap);
  const budget = (SIZE.left + x(Number(report.budgetUsd))).toFixed(1);
  const legend = parts
    .map(({ name }, index) => {
      const column = SIZE.left + (index % 3) * (width / 3);
      const y = bottom + SIZE.legend * Math.floor(index / 3);
      return `<rect x="${column.toFixed(1)}" y="${y}" width="12" height="12" fill="${COLOURS[index] ?? COLOURS[0]}"/><text x="${(column + 18).toFixed(1)}" y="${y + 11}">${escapeHtml(name)}</text>`;
    })
    .join("");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${height}" font-family="sans-serif" font-size="12">` +
    `<title>${escapeHtml(stack)}: cost in USD per month</title><rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="${SIZE.left}" y="20" font-size="14">${escapeHtml(stack)}: USD per month, budget ${report.budgetUsd}</text>${bars}` +
    `<line x1="${budget}" x2="${budget}" y1="${SIZE.top - 8}" y2="${bottom - SIZE.gap + 8}" stroke="#000" stroke-dasharray="4 3"><title>budget ${report.budgetUsd} USD</title></line>${legend}</svg>\n`
  );
}
