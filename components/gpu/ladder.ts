/** Ways to get a GPU node, from the surest to the cheapest. */
export const CAPACITY_RUNGS = ["reserved", "on-demand", "flex-start", "spot"] as const;

/** One way to get a GPU node. */
export type CapacityRung = (typeof CAPACITY_RUNGS)[number];

/** Rungs that one Karpenter NodePool serves, and its place among the pool's NodePools. */
export interface KarpenterRungs {
  /** Suffix of the NodePool's name. */
  readonly suffix: string;
  readonly rungs: readonly Exclude<CapacityRung, "flex-start">[];
  /** Higher is tried first. */
  readonly weight: number;
}

/**
 * Order in which Karpenter itself tries capacity types within one NodePool.
 * @see https://karpenter.sh/docs/concepts/nodepools/
 */
const KARPENTER_ORDER = ["reserved", "spot", "on-demand"] as const;

/** Weight of the first rung; Karpenter takes 1 to 100. */
const FIRST_WEIGHT = 100;

function isFlexStart(rung: CapacityRung): rung is "flex-start" {
  return rung === "flex-start";
}

/**
 * Compiles a ladder to the fewest Karpenter NodePools: one when the ladder follows Karpenter's own order, so that the
 * node limit is exact; else one weighted NodePool per rung, each with the full limit.
 * @throws RangeError for `flex-start`, which AWS does not have
 */
export function karpenterRungs(ladder: readonly CapacityRung[]): KarpenterRungs[] {
  const rungs = ladder.filter((rung) => !isFlexStart(rung));
  if (rungs.length !== ladder.length) throw new RangeError("'flex-start' exists on GKE only");
  const positions = rungs.map((rung) => KARPENTER_ORDER.indexOf(rung));
  const inOrder = positions.every(
    (position, index) => index === 0 || position > (positions[index - 1] ?? -1),
  );
  return inOrder
    ? [{ suffix: "pool", rungs, weight: FIRST_WEIGHT }]
    : rungs.map((rung, index) => ({ suffix: rung, rungs: [rung], weight: FIRST_WEIGHT - index }));
}

/** Least number of nodes of each rung's group: the floor stands on the first rung only, or it would be counted twice. */
export function rungMinimum(index: number, min: number): number {
  return index === 0 ? min : 0;
}
