import type { Fate } from "./fate.ts";

/** A resource and what becomes of it. */
export interface Goner {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly fate: Fate;
}

/** A resource with a fate of one kind. */
export type Named<K extends Fate["kind"]> = Goner & { readonly fate: Extract<Fate, { kind: K }> };

/** Something that outlives the stack. */
export interface Kept {
  readonly name: string;
  readonly type: string;
  readonly until: Extract<Fate, { kind: "kept" }>["until"];
  readonly why: string;
  /** Settings that are kept with it, by URN. */
  readonly urns: readonly string[];
}
