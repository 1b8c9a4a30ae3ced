/** GPUs a delivery may take besides those that serve. */
export type Surge =
  | { readonly kind: "spare-gpus"; readonly replicas: number }
  /** One replica after the other, on the same GPUs. */
  | { readonly kind: "in-place" };

/** One step of a canary. */
export interface CanaryStep {
  /** Share of the replicas, percent. */
  readonly weight: number;
  /** Minutes it is watched. */
  readonly minutes: number;
}

/** Both versions run side by side and traffic switches at once, so it needs spare GPUs. */
export interface BlueGreen {
  readonly strategy: "blue-green";
  readonly surge: Extract<Surge, { readonly kind: "spare-gpus" }>;
  /** Minutes the new replicas are watched while the old ones still run. */
  readonly soakMinutes: number;
}

/** The new version takes a growing share of the replicas. */
export interface Canary {
  readonly strategy: "canary";
  readonly surge: Surge;
  readonly steps: readonly CanaryStep[];
}

/** Replicas are replaced without analysis. */
export interface Rolling {
  readonly strategy: "rolling";
  readonly surge: Surge;
}

/** How a new version of a model takes over. */
export type Delivery = Rolling | BlueGreen | Canary;

/** Deliveries that Argo Rollouts carries out. */
export type Progressive = Exclude<Delivery, Rolling>;

/** Minutes after which a watch measures for the first time: it looks back as far. */
export const WATCH_DELAY_MINUTES = 5;

/** Measurements that may fail before the delivery is aborted; one scrape that is late must not end it. */
export const FAILURES_FORGIVEN = 1;

/** Least minutes in which a watch can abort: its measurements are a minute apart. */
export const SHORTEST_WATCH_MINUTES = WATCH_DELAY_MINUTES + 1 + FAILURES_FORGIVEN;

/** Pods that may run above and below the wanted number during a delivery. */
export function podBudget(surge: Surge): { readonly maxSurge: number; readonly maxUnavailable: number } {
  return surge.kind === "in-place"
    ? { maxSurge: 0, maxUnavailable: 1 }
    : { maxSurge: surge.replicas, maxUnavailable: 0 };
}
