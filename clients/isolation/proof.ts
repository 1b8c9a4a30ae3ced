import { overlaps } from "../../components/network/cidr.ts";
import type { ResourceGraph } from "../../graph/graph.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { KINDS, type Holding, type Holdings, type Kind } from "./holding.ts";
import { holdingsOf } from "./holdings.ts";

/** A stack with its plan. */
export interface PlannedStack {
  readonly stack: string;
  readonly config: PlatformConfig;
  readonly graph: ResourceGraph;
}

/** Something two clients would have in common. */
export interface Shared {
  readonly id: string;
  readonly here: string;
  readonly stack: string;
  readonly there: string;
  /** Name over there, where it is not the same: a network that overlaps. */
  readonly otherId: string;
}

/** Something that may be anybody's. */
export interface Open {
  readonly stack: string;
  readonly where: string;
  readonly reason: string;
}

/** What was found about one kind. */
export interface KindProof {
  readonly kind: Kind;
  /** Different names of this stack. */
  readonly compared: number;
  /** Different names of the other clients' stacks. */
  readonly against: number;
  readonly verdict: "isolated" | "shared" | "not-proven";
  readonly shared: readonly Shared[];
  readonly open: readonly Open[];
}

/** Isolation of one stack from those of every other client. */
export interface IsolationProof {
  readonly stack: string;
  readonly others: readonly string[];
  readonly verdict: KindProof["verdict"];
  readonly kinds: readonly KindProof[];
}

/** Whether two names mean something in common: the same thing, or networks with an address in common. */
function meet(kind: Kind, a: string, b: string): boolean {
  return kind === "network" ? overlaps(a.slice("cidr:".length), b.slice("cidr:".length)) : a === b;
}

function distinct(holdings: readonly Holding[], kind: Kind): Holding[] {
  return [...new Map(holdings.filter((each) => each.kind === kind).map((each) => [each.id, each])).values()];
}

function proofOf(
  kind: Kind,
  { stack, holdings }: { readonly stack: string; readonly holdings: Holdings },
  others: readonly { readonly stack: string; readonly holdings: Holdings }[],
): KindProof {
  const own = distinct(holdings.known, kind);
  const theirs = others.flatMap((other) =>
    distinct(other.holdings.known, kind).map((holding) => ({ stack: other.stack, ...holding })),
  );
  const shared = own.flatMap((mine) =>
    theirs
      .filter((other) => meet(kind, mine.id, other.id))
      .map((other): Shared => ({
        id: mine.id,
        here: mine.where,
        stack: other.stack,
        there: other.where,
        otherId: other.id,
      })),
  );
  const open = [{ stack, holdings }, ...others].flatMap((each) =>
    each.holdings.unproven
      .filter((unproven) => unproven.kind === kind)
      .map(({ where, reason }): Open => ({ stack: each.stack, where, reason })),
  );
  return {
    kind,
    compared: own.length,
    against: new Set(theirs.map(({ id }) => id)).size,
    verdict: shared.length > 0 ? "shared" : open.length > 0 ? "not-proven" : "isolated",
    shared,
    open,
  };
}

/**
 * Compares what a stack would have with what the stacks of every other client would have. Whatever a plan leaves unknown,
 * here or there, counts as not proven.
 */
export function isolationOf(subject: PlannedStack, all: readonly PlannedStack[]): IsolationProof {
  const others = all
    .filter(({ config }) => config.client !== subject.config.client)
    .map(({ stack, graph, config }) => ({ stack, holdings: holdingsOf(graph, config) }));
  const own = { stack: subject.stack, holdings: holdingsOf(subject.graph, subject.config) };
  const kinds = KINDS.map((kind) => proofOf(kind, own, others));
  const verdicts = kinds.map(({ verdict }) => verdict);
  return {
    stack: subject.stack,
    others: others.map(({ stack }) => stack),
    verdict: (["shared", "not-proven"] as const).find((verdict) => verdicts.includes(verdict)) ?? "isolated",
    kinds,
  };
}
