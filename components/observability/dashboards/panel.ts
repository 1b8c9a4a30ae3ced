/** Grafana's identifier of a unit. @see https://github.com/grafana/grafana-foundation-sdk (module `units`) */
export type Unit =
  | "none"
  | "short"
  | "percentunit"
  | "s"
  | "currencyUSD"
  | "reqps"
  | "bytes"
  | "mbytes"
  | "watt"
  | "celsius"
  | "tps";

/** What a value from this bound on means. */
export interface Threshold {
  /** Least value of the step; null for everything below the first bound. */
  readonly from: number | null;
  readonly meaning: "good" | "warning" | "bad" | "neutral";
}

/** A query of a panel. */
export interface PanelQuery {
  /** PromQL; `$model`, `$client`, `$__rate_interval` and `$__range` are the dashboard's. */
  readonly expr: string;
  /** Legend, with labels as `{{label}}`. */
  readonly legend: string;
}

/** One picture of a dashboard, in words that no renderer owns. */
export interface Panel {
  readonly title: string;
  /** What it shows and what follows from it, in a sentence or two. */
  readonly description: string;
  readonly unit: Unit;
  /** `value`: one number; `bars`: one bar per series; `lines`: series over time. */
  readonly visual: "value" | "bars" | "lines";
  readonly queries: readonly [PanelQuery, ...PanelQuery[]];
  readonly thresholds: readonly [Threshold, ...Threshold[]];
  /** Runbook to follow when it looks wrong: name of a page in docs/runbooks. */
  readonly runbook: string;
}

/** Panels about one question. */
export interface PanelGroup {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A dashboard. */
export interface DashboardSpec {
  /** Identifier in Grafana, at most 40 characters. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Start of the time range it opens with, for example `now-6h`. */
  readonly from: string;
  readonly groups: readonly PanelGroup[];
}

/** Good below `warning`, bad from `bad` on. */
export function lowIsGood(warning: number, bad: number): Panel["thresholds"] {
  return [
    { from: null, meaning: "good" },
    { from: warning, meaning: "warning" },
    { from: bad, meaning: "bad" },
  ];
}

/** Bad below `warning`, good from `good` on. */
export function highIsGood(warning: number, good: number): Panel["thresholds"] {
  return [
    { from: null, meaning: "bad" },
    { from: warning, meaning: "warning" },
    { from: good, meaning: "good" },
  ];
}

/** Nothing to be judged: the figure informs. */
export const INFORMS: Panel["thresholds"] = [{ from: null, meaning: "neutral" }];
