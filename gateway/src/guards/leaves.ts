import type { Hit, GuardRule, VerdictBook } from "./inspect.ts";
import { applyHits, hitsIn, stops } from "./inspect.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

interface Leaf {
  readonly holder: Record<string, Json> | Json[];
  readonly key: string | number;
  readonly text: string;
  /** Leaves with the same group are read together, as a model reads them. */
  readonly group: object;
}

function childrenOf(value: Json[] | Record<string, Json>): [string | number, Json][] {
  return Array.isArray(value) ? value.map((item, index) => [index, item]) : Object.entries(value);
}

function collect(root: Json): { readonly leaves: Leaf[]; readonly keys: string[] } {
  const leaves: Leaf[] = [];
  const keys: string[] = [];
  const stack: { readonly value: Json; readonly group: object }[] = [{ value: root, group: {} }];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { value, group } = item;
    if (typeof value !== "object" || value === null) continue;
    const inner: { value: Json; group: object }[] = [];
    for (const [key, member] of childrenOf(value)) {
      if (typeof key === "string") keys.push(key);
      if (typeof member === "string") leaves.push({ holder: value, key, text: member, group });
      else if (Array.isArray(member)) inner.push({ value: member, group: member });
      else if (typeof member === "object" && member !== null) {
        inner.push({ value: member, group: Array.isArray(value) && isPart(member) ? group : member });
      }
    }
    stack.push(...inner.reverse());
  }
  return { leaves, keys };
}

const MAX_KNOWN_NAMES = 4_096;
const harmlessNames = new WeakMap<readonly GuardRule[], Set<string>>();

/** Hits in member names; names without hits are the same few in every body, so they are remembered. */
function hitsInNames(names: readonly string[], rules: readonly GuardRule[]): Hit[] {
  const known = harmlessNames.get(rules) ?? new Set();
  harmlessNames.set(rules, known);
  return names.flatMap((name) => {
    if (known.has(name)) return [];
    const hits = hitsIn(name, rules);
    if (hits.length === 0 && name.length <= 64 && known.size < MAX_KNOWN_NAMES) known.add(name);
    return hits;
  });
}

function isPart(value: Record<string, Json>): boolean {
  return typeof value["text"] === "string" && !("role" in value);
}

function acrossLeaves(leaves: readonly Leaf[], rules: readonly GuardRule[]): Hit[] {
  const groups = new Map<object, Leaf[]>();
  for (const leaf of leaves) {
    const isText = leaf.key === "text" || typeof leaf.key === "number";
    if (isText) groups.set(leaf.group, [...(groups.get(leaf.group) ?? []), leaf]);
  }
  const hits: Hit[] = [];
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const edges = new Set<number>();
    let length = 0;
    for (const leaf of group) edges.add((length += leaf.text.length));
    edges.delete(length);
    const joined = group.map((leaf) => leaf.text).join("");
    for (const hit of hitsIn(joined, rules)) {
      if ([...edges].some((edge) => hit.start < edge && edge < hit.end)) hits.push(hit);
    }
  }
  return hits;
}

/** What a look at a body concluded. */
export type BodyInspection =
  { readonly kind: "passed" } | { readonly kind: "blocked"; readonly guard: string };

/**
 * Looks at every string in a JSON body, member names included, and takes out what the rules say. A match that only
 * shows when adjacent parts are read together cannot be taken out cleanly, so it blocks.
 * @param exempt strings to pass over @default none
 */
export function inspectBody(
  body: Json,
  rules: readonly GuardRule[],
  book: VerdictBook,
  exempt: (key: string | number, text: string) => boolean = () => false,
): BodyInspection {
  const { leaves: all, keys } = collect(body);
  const leaves = all.filter((leaf) => !exempt(leaf.key, leaf.text));
  const crossing = acrossLeaves(leaves, rules);
  book.add(crossing);
  const uncut = crossing.find((hit) => hit.rule.action !== "flag");
  const named = hitsInNames(keys, rules);
  book.add(named);
  const unrenamed = named.find((hit) => hit.rule.action !== "flag");
  let blocked: string | null = uncut?.rule.detector.name ?? unrenamed?.rule.detector.name ?? null;
  for (const leaf of leaves) {
    const hits = hitsIn(leaf.text, rules);
    if (hits.length === 0) continue;
    book.add(hits);
    blocked ??= hits.find((hit) => stops(hit.rule))?.rule.detector.name ?? null;
    const text = applyHits(leaf.text, hits);
    if (Array.isArray(leaf.holder)) leaf.holder[leaf.key as number] = text;
    else leaf.holder[leaf.key as string] = text;
  }
  return blocked === null ? { kind: "passed" } : { kind: "blocked", guard: blocked };
}
