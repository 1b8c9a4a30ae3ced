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

/** Pods that may run above and below the wanted number during a delivery. */
export function podBudget(surge: Surge): { readonly maxSurge: number; readonly maxUnavailable: number } {
  return surge.kind === "in-place"
    ? { maxSurge: 0, maxUnavailable: 1 }
    : { maxSurge: surge.replicas, maxUnavailable: 0 };
}
