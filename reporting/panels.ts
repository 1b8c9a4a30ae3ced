import type { DashboardSpec, Panel } from "../components/observability/dashboards/panel.ts";
import { selectorsOf } from "./selectors.ts";
import {
  PrometheusError,
  type Labels,
  type Line,
  type Period,
  type Prometheus,
  type Sample,
} from "./prometheus.ts";

/** What Prometheus answered for one query of a panel. */
export type QueryResult =
  | { readonly kind: "values"; readonly samples: readonly Sample[] }
  | { readonly kind: "lines"; readonly lines: readonly Line[] }
  | { readonly kind: "empty" }
  | { readonly kind: "error"; readonly message: string };

/** A panel with the results of its queries, in their order. */
export interface FilledPanel {
  readonly group: string;
  readonly panel: Panel;
  readonly results: readonly QueryResult[];
}

/** When a dashboard is looked at. */
export interface Look {
  readonly period: Period;
  /** Distance between two points, seconds. */
  readonly stepSeconds: number;
}

/** The query with Grafana's variables set: every model, every client, the whole period. */
export function withVariables(expr: string, { period, stepSeconds }: Look): string {
  const seconds = Math.round((period.to.getTime() - period.from.getTime()) / 1000);
  return (
    expr
      .replaceAll("$__range", `${seconds}s`)
      // Grafana takes at least four scrapes; the gateway is read every 5 s, DCGM exporter every 15 s.
      .replaceAll("$__rate_interval", `${Math.max(60, stepSeconds)}s`)
      .replaceAll("$model", ".*")
      .replaceAll("$client", ".*")
  );
}

async function ask(
  prometheus: Prometheus,
  visual: Panel["visual"],
  expr: string,
  look: Look,
): Promise<QueryResult> {
  try {
    if (visual === "lines") {
      const lines = await prometheus.range(expr, look.period, look.stepSeconds);
      return lines.length === 0 ? { kind: "empty" } : { kind: "lines", lines };
    }
    const samples = await prometheus.instant(expr, look.period.to);
    return samples.length === 0 ? { kind: "empty" } : { kind: "values", samples };
  } catch (error) {
    if (error instanceof PrometheusError) return { kind: "error", message: error.message };
    throw error;
  }
}

/** Runs every query of a dashboard. */
export async function fill(
  prometheus: Prometheus,
  { groups }: DashboardSpec,
  look: Look,
): Promise<FilledPanel[]> {
  const filled: FilledPanel[] = [];
  for (const { title: group, panels } of groups)
    for (const panel of panels) {
      const results = panel.queries.map(({ expr }) =>
        ask(prometheus, panel.visual, withVariables(expr, look), look),
      );
      filled.push({ group, panel, results: await Promise.all(results) });
    }
  return filled;
}

/** Legend of a series. */
export function legendOf(pattern: string, labels: Labels): string {
  return pattern.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? "");
}

/** A panel that shows nothing, or a query that fails. */
export interface PanelProblem {
  readonly dashboard: string;
  readonly panel: string;
  readonly expr: string;
  /** What to look at first. */
  readonly problem: string;
}

/** Selectors of a query for which Prometheus has nothing in the period looked at. */
async function missing(prometheus: Prometheus, expr: string, look: Look): Promise<string[]> {
  const seconds = Math.round((look.period.to.getTime() - look.period.from.getTime()) / 1000);
  const selectors = [...new Set(selectorsOf(withVariables(expr, look)))];
  const answers = await Promise.all(
    selectors.map((selector) =>
      prometheus.instant(`count(count_over_time(${selector}[${seconds}s]))`, look.period.to),
    ),
  );
  return selectors.filter((_, index) => answers[index]?.length === 0);
}

/** What is wrong with the panels of a dashboard: a query that fails, gives nothing, or names a series that nobody writes. */
export async function panelProblems(
  prometheus: Prometheus,
  { title: dashboard }: DashboardSpec,
  panels: readonly FilledPanel[],
  look: Look,
): Promise<PanelProblem[]> {
  const problems: PanelProblem[] = [];
  for (const { panel, results } of panels)
    for (const [index, { expr }] of panel.queries.entries()) {
      const place = { dashboard, panel: panel.title, expr };
      const result = results[index];
      if (result?.kind === "error") {
        problems.push({ ...place, problem: result.message });
        continue;
      }
      // `or vector(0)` makes a query answer although its series is misspelt, so each selector is asked for by itself.
      const absent = await missing(prometheus, expr, look);
      if (absent.length > 0) problems.push({ ...place, problem: `no series: ${absent.join(", ")}` });
      else if (result?.kind === "empty")
        problems.push({ ...place, problem: "every series is there, but the query gives nothing" });
    }
  return problems;
}
