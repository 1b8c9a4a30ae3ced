import { Decimal } from "decimal.js";
import { lossesOf, type Loss, type Stateful } from "./identity.ts";
import { jumpsOf, type ControlPlane, type VersionJump } from "./upgrades.ts";
import type { ResourcePrint, ReviewFinding, Snapshot } from "./snapshot.ts";

/** A monthly figure before and after, USD. */
export interface CostChange {
  readonly before: string | null;
  readonly after: string | null;
}

/** What a change does to one stack. */
export interface StackDifference {
  readonly stack: string;
  readonly created: readonly ResourcePrint[];
  readonly deleted: readonly ResourcePrint[];
  readonly changed: readonly ResourcePrint[];
  /** Data, keys and clusters that the change would lose; none when the whole stack goes or comes. */
  readonly losses: readonly Loss[];
  /** Control planes that would go back or skip a minor. */
  readonly jumps: readonly VersionJump[];
  readonly cost: {
    readonly floor: CostChange;
    readonly expected: CostChange;
    readonly ceiling: CostChange;
    readonly budget: CostChange;
  };
  readonly findings: {
    readonly added: readonly ReviewFinding[];
    readonly fixed: readonly ReviewFinding[];
    readonly standing: readonly ReviewFinding[];
    readonly exempted: readonly ReviewFinding[];
  };
  /** What the stack relies on and cannot have after the change. */
  readonly unusable: readonly string[];
  readonly riskClass: { readonly before: string | null; readonly after: string | null };
  /** Hash of what was judged after the change; null when the stack goes. */
  readonly evidenceSha256: string | null;
}

/** Rise of a ceiling that nobody needs to approve: the larger of a share and an amount in USD per month. */
export const FREE_RISE = { share: 0.1, usd: 500 } as const;

function key({ control, resource, property }: ReviewFinding): string {
  return [control, resource, property ?? ""].join("\n");
}

function costOf(snapshot: Snapshot | undefined, pick: "min" | "expected" | "max" | "budget"): string | null {
  const cost = snapshot?.cost;
  if (cost === undefined) return null;
  return pick === "budget" ? cost.budgetUsd : cost.monthlyUsd[pick];
}

function statefulIn(snapshot: Snapshot): Stateful[] {
  return snapshot.resources.flatMap(({ identity, ...each }) =>
    identity === undefined ? [] : [{ ...each, identity }],
  );
}

function controlPlanesIn(snapshot: Snapshot | undefined): ControlPlane[] {
  return (snapshot?.resources ?? []).flatMap(({ urn, version }) =>
    version === undefined ? [] : [{ urn, version }],
  );
}

/** Compares a stack before and after; either may be missing when the stack comes or goes. */
export function differenceOf(before: Snapshot | undefined, after: Snapshot | undefined): StackDifference {
  const old = new Map((before?.resources ?? []).map((each) => [each.urn, each]));
  const now = new Map((after?.resources ?? []).map((each) => [each.urn, each]));
  const counting = (snapshot: Snapshot | undefined): ReviewFinding[] =>
    (snapshot?.findings ?? []).filter(({ exemption }) => exemption === undefined);
  const known = new Set(counting(before).map(key));
  const left = new Set(counting(after).map(key));
  const change = (pick: "min" | "expected" | "max" | "budget"): CostChange => ({
    before: costOf(before, pick),
    after: costOf(after, pick),
  });
  return {
    stack: after?.stack ?? before?.stack ?? "",
    created: [...now.values()].filter(({ urn }) => !old.has(urn)),
    deleted: [...old.values()].filter(({ urn }) => !now.has(urn)),
    changed: [...now.values()].filter(({ urn, sha256 }) => old.has(urn) && old.get(urn)?.sha256 !== sha256),
    losses:
      before === undefined || after === undefined ? [] : lossesOf(statefulIn(before), statefulIn(after)),
    jumps: jumpsOf(controlPlanesIn(before), controlPlanesIn(after)),
    cost: {
      floor: change("min"),
      expected: change("expected"),
      ceiling: change("max"),
      budget: change("budget"),
    },
    findings: {
      added: counting(after).filter((each) => !known.has(key(each))),
      fixed: counting(before).filter((each) => !left.has(key(each))),
      standing: counting(after).filter((each) => known.has(key(each))),
      exempted: (after?.findings ?? []).filter(({ exemption }) => exemption !== undefined),
    },
    unusable:
      after === undefined
        ? []
        : (after.unusable ?? ["nobody looked for what it cannot have: plan it with this version"]),
    riskClass: { before: before?.riskClass ?? null, after: after?.riskClass ?? null },
    evidenceSha256: after?.evidenceSha256 ?? null,
  };
}

/** Difference of two figures; null when one of them is missing. */
export function deltaOf({ before, after }: CostChange): Decimal | null {
  return before === null || after === null ? null : new Decimal(after).minus(before);
}

/** What somebody who may has approved. */
export interface Approvals {
  /** The rise of the ceiling. */
  readonly cost: "given" | "none";
  /** The deletion of data, keys or clusters; what only got another name needs an alias, not an approval. */
  readonly loss: "given" | "none";
}

/** A stack whose plan before the change failed. */
export interface UnknownBase {
  readonly stack: string;
  readonly reason: string;
}

/** Why a change of a stack nobody could plan before may not be merged: what it loses and what rises is not known. */
export function unknownStops({ stack, reason }: UnknownBase, approvals: Approvals): string[] {
  if (approvals.cost === "given" && approvals.loss === "given") return [];
  return [
    `${stack}: the base cannot be planned, so nobody can tell what is lost and what rises; mend the base, or have somebody who may approve both: --loss-approved --cost-approved (${reason})`,
  ];
}

/** Why a change may not be merged as it is; empty when nothing stops it. */
export function stops(difference: StackDifference, approvals: Approvals): string[] {
  const { findings, cost, stack, losses, jumps, unusable } = difference;
  const mandatory = [...findings.added, ...findings.standing].filter(({ level }) => level === "mandatory");
  const { after: ceiling } = cost.ceiling;
  const { after: budget } = cost.budget;
  const isOver = ceiling !== null && budget !== null && new Decimal(ceiling).gt(budget);
  const rise = deltaOf(cost.ceiling);
  const free = Decimal.max(
    new Decimal(cost.ceiling.before ?? 0).times(FREE_RISE.share),
    new Decimal(FREE_RISE.usd),
  );
  return [
    ...(mandatory.length > 0 ? [`${stack}: ${mandatory.length} mandatory findings`] : []),
    ...(isOver ? [`${stack}: the ceiling of ${ceiling} USD is over the budget of ${budget} USD`] : []),
    ...(rise !== null && rise.gt(free) && approvals.cost === "none"
      ? [
          `${stack}: the ceiling rises by ${rise.toFixed(2)} USD per month, more than ${free.toFixed(2)} that need no approval`,
        ]
      : []),
    ...unusable.map((what) => `${stack}: ${what}`),
    ...jumps.map(({ what }) => `${stack}: ${what}`),
    ...losses
      .filter(({ kind }) => kind !== "deleted" || approvals.loss === "none")
      .map(({ kind, urn, what, fix }) => `${stack}: ${urn} is ${kind}: ${what}; ${fix}`),
  ];
}
