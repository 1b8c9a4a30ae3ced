import escapeHtml from "escape-html";
import type { Grader } from "./case.ts";
import type { CaseResult } from "./gate.ts";
import type { EvaluationReport } from "./report.ts";
import { pairedDifference } from "./statistics/paired.ts";

/** Colour of each decision. */
export const COLOURS = {
  passed: "#1a7f37",
  failed: "#cf222e",
  inconclusive: "#9a6700",
  advisory: "#57606a",
} as const;

/** The two runs, in colours that stay apart for readers who cannot tell red from green (Okabe and Ito). */
const RUNS = { candidate: "#0072b2", baseline: "#d55e00" } as const;

type RunName = keyof typeof RUNS;

const INK = "#57606a";
const GRID = "#d0d7de";
const WIDTH = 720;

/** Left edge of what is drawn; names stand before it. */
const LEFT = 150;
const ROW = 24;

/** A share as text. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function svg(label: string, height: number, body: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}">${body}</svg>`;
}

function label(y: number, text: string): string {
  return `<text x="0" y="${y}">${escapeHtml(text)}</text>`;
}

const nothing = (text: string): string => `<p>${escapeHtml(text)}</p>`;

/** Score of each suite as a bar. */
export function scoreChart({ suites }: EvaluationReport): string {
  const scored = suites.filter(({ grader }) => grader !== "measured");
  const rows = scored.map(({ name, samples, score, decision }, index) => {
    const share = samples === 0 ? 0 : score / samples;
    const y = index * ROW;
    return `${label(y + 15, name)}<rect x="${LEFT}" y="${y + 3}" width="370" height="16" fill="#eaeef2"/><rect x="${LEFT}" y="${y + 3}" width="${(share * 370).toFixed(1)}" height="16" fill="${COLOURS[decision]}"/><text x="530" y="${y + 15}">${percent(share)} of ${samples}, ${decision}</text>`;
  });
  return svg("Score of each suite", scored.length * ROW + 4, rows.join(""));
}

/** A difference of shares with its interval, and the decision it was given. */
interface Difference {
  readonly name: string;
  readonly samples: number;
  readonly difference: number;
  readonly lower: number;
  readonly upper: number;
  readonly colour: string;
}

function differences(rows: readonly Difference[], margin: number): string {
  const most = Math.max(0.1, ...rows.flatMap(({ lower, upper }) => [-lower, upper])) * 1.1;
  const middle = (LEFT + WIDTH - 90) / 2;
  const x = (value: number): string => (middle + (value / most) * (middle - LEFT)).toFixed(1);
  const bottom = rows.length * ROW + 8;
  const drawn = rows.map(({ name, samples, difference, lower, upper, colour }, index) => {
    const y = index * ROW + 14;
    return `${label(y + 4, name)}<line x1="${x(lower)}" x2="${x(upper)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="5"><title>${escapeHtml(`${name}: ${percent(lower)} to ${percent(upper)} on ${samples} cases`)}</title></line><circle cx="${x(difference)}" cy="${y}" r="5" fill="${colour}"/><text x="${WIDTH - 84}" y="${y + 4}">${percent(difference)}</text>`;
  });
  const lines = `<line x1="${x(0)}" x2="${x(0)}" y1="2" y2="${bottom}" stroke="${INK}"/><line x1="${x(-margin)}" x2="${x(-margin)}" y1="2" y2="${bottom}" stroke="${COLOURS.failed}" stroke-dasharray="4"/>`;
  const scale = `<text x="${x(-margin)}" y="${bottom + 14}" text-anchor="end">-${percent(margin)}</text><text x="${x(0)}" y="${bottom + 14}">0</text>`;
  return svg("Change against the baseline", bottom + 18, lines + drawn.join("") + scale);
}

type Scores = ReadonlyMap<string, number>;

const keyOf = ({ suite, id }: CaseResult): string => `${suite}/${id}`;

function scoresOf(results: readonly CaseResult[]): Scores {
  return new Map(
    results.flatMap((each) => (each.score === null ? [] : [[keyOf(each), each.score] as const])),
  );
}

/**
 * Change of the pooled quality and of each suite, candidate minus baseline, with 98 % intervals. The intervals of the suites are drawn to be looked at;
 * what stops a suite is McNemar's test.
 */
export function changeChart(
  comparison: NonNullable<EvaluationReport["comparison"]>,
  candidate: readonly CaseResult[],
  baseline: readonly CaseResult[],
): string {
  const before = scoresOf(baseline);
  const after = scoresOf(candidate);
  const suites = [...new Set(candidate.map(({ suite }) => suite))].map((suite): Difference => {
    const pairs = candidate.flatMap((each) => {
      const [ours, theirs] = [after.get(keyOf(each)), before.get(keyOf(each))];
      return each.suite !== suite || ours === undefined || theirs === undefined
        ? []
        : [{ candidate: ours, baseline: theirs }];
    });
    return { name: suite, colour: RUNS.candidate, ...pairedDifference(pairs) };
  });
  const pooled = { name: "all that is pooled", colour: COLOURS[comparison.decision], ...comparison };
  return differences([pooled, ...suites.filter(({ samples }) => samples > 0)], comparison.margin);
}

/** A run with its cases' results; there is no baseline for the first of a model. */
export interface DrawnRuns {
  readonly candidate: readonly CaseResult[];
  readonly baseline: readonly CaseResult[] | null;
}

function runsOf({ candidate, baseline }: DrawnRuns): readonly (readonly [RunName, readonly CaseResult[]])[] {
  return [["candidate", candidate], ...(baseline === null ? [] : [["baseline", baseline] as const])];
}

function legend(names: readonly RunName[], y: number): string {
  return names
    .map(
      (name, index) =>
        `<rect x="${LEFT + index * 120}" y="${y}" width="12" height="12" fill="${RUNS[name]}"/><text x="${LEFT + index * 120 + 18}" y="${y + 11}">${name}</text>`,
    )
    .join("");
}

/**
 * Cases that failed, by what scored them.
 * @param graders kind of each case's grader, by `<suite>/<id>`
 */
export function failureChart(runs: DrawnRuns, graders: ReadonlyMap<string, Grader["kind"]>): string {
  const kinds = [...new Set(runs.candidate.flatMap((each) => graders.get(keyOf(each)) ?? []))];
  const counted = kinds.flatMap((kind) =>
    runsOf(runs).map(([run, results]) => {
      const own = results.filter((each) => graders.get(keyOf(each)) === kind && each.score !== null);
      return {
        kind,
        run,
        all: own.length,
        failed: own.filter(({ score }) => score !== null && score < 1).length,
      };
    }),
  );
  const most = Math.max(1, ...counted.map(({ failed }) => failed));
  const bar = ROW - 8;
  const drawn = counted.map(({ kind, run, all, failed }, index) => {
    const y = index * ROW;
    const width = ((failed / most) * 360).toFixed(1);
    return `${run === "candidate" ? label(y + 13, kind) : ""}<rect x="${LEFT}" y="${y + 1}" width="${width}" height="${bar}" fill="${RUNS[run]}"/><text x="${(LEFT + Number(width) + 6).toFixed(1)}" y="${y + 13}">${failed} of ${all}</text>`;
  });
  const bottom = counted.length * ROW + 6;
  const names = runsOf(runs).map(([name]) => name);
  return svg("Failed cases by grader", bottom + 18, drawn.join("") + legend(names, bottom));
}

const PLOT = { top: 8, height: 150, bottom: 20 } as const;

/** Points of a curve; enough for the width it is drawn at. */
const POINTS = 100;

/** Value below which a share of sorted values lies. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** Share of cases that took at most so much, as a curve for each run, up to the dearest case in a hundred. */
export function distributionChart(
  title: string,
  unit: string,
  runs: DrawnRuns,
  pick: (of: CaseResult) => number | null,
): string {
  const curves = runsOf(runs).map(([name, results]) => ({
    name,
    sorted: results.flatMap((each) => pick(each) ?? []).sort((a, b) => a - b),
  }));
  const most = Math.max(...curves.map(({ sorted }) => quantile(sorted, 0.99)));
  if (!(most > 0)) return nothing(`${title}: nothing was measured.`);
  const x = (value: number): string =>
    (LEFT + (Math.min(value, most) / most) * (WIDTH - LEFT - 20)).toFixed(1);
  const y = (share: number): string => (PLOT.top + PLOT.height * (1 - share)).toFixed(1);
  const grid = [0, 0.5, 0.95]
    .map(
      (share) =>
        `<path d="M${LEFT} ${y(share)}H${WIDTH - 20}" stroke="${GRID}"/><text x="${LEFT - 6}" y="${Number(y(share)) + 4}" text-anchor="end">${(share * 100).toFixed(0)} %</text>`,
    )
    .join("");
  const lines = curves
    .filter(({ sorted }) => sorted.length > 0)
    .map(({ name, sorted }) => {
      const path = Array.from({ length: POINTS + 1 }, (_, at) => at / POINTS)
        .map((share, at) => `${at === 0 ? "M" : "L"}${x(quantile(sorted, share))} ${y(share)}`)
        .join("");
      const [median, high] = [quantile(sorted, 0.5), quantile(sorted, 0.95)];
      return `<path d="${path}" fill="none" stroke="${RUNS[name]}" stroke-width="2"><title>${name}: median ${median.toFixed(0)} ${unit}, 95 % below ${high.toFixed(0)} ${unit}</title></path>`;
    });
  const bottom = PLOT.top + PLOT.height;
  const scale = [0, 0.5, 1]
    .map(
      (share) =>
        `<text x="${x(share * most)}" y="${bottom + 15}" text-anchor="middle">${(share * most).toFixed(0)} ${unit}</text>`,
    )
    .join("");
  const names = curves.map(({ name }) => name);
  return svg(
    title,
    bottom + PLOT.bottom + 18,
    grid + lines.join("") + scale + legend(names, bottom + PLOT.bottom + 2),
  );
}
