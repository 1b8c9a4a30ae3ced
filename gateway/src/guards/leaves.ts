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

/** A place in an answer: which of its short strings name things (ids, types, roles) and need no look, and the places in it. */
export interface Envelope {
  readonly names: ReadonlySet<string>;
  readonly inner: ReadonlyMap<string, Envelope>;
}

interface Visit {
  readonly value: Json;
  readonly group: object;
  /** Null below the places that are known. */
  readonly envelope: Envelope | null;
  /** Whether the value is the arguments of a tool call or inside them. */
  readonly inArguments: boolean;
}

interface Collected {
  readonly leaves: Leaf[];
  readonly keys: string[];
  /** Numbers in the arguments of tool calls, as text. */
  readonly numbers: string[];
}

/** Whether a string only names something, at a place where answers have their names. */
export function isName(envelope: Envelope | null, key: string | number, text: string): boolean {
  return typeof key === "string" && envelope?.names.has(key) === true && /^[\w.:/-]{0,128}$/.test(text);
}

function holdsArguments(value: Json[] | Record<string, Json>, key: string | number): boolean {
  if (Array.isArray(value)) return false;
  const { type } = value;
  return key === "arguments" || (key === "input" && typeof type === "string" && type.endsWith("tool_use"));
}

function childrenOf(value: Json[] | Record<string, Json>): [string | number, Json][] {
  return Array.isArray(value) ? value.map((item, index) => [index, item]) : Object.entries(value);
}

function collect(root: Json, envelope: Envelope | null): Collected {
  const [leaves, keys, numbers]: [Leaf[], string[], string[]] = [[], [], []];
  const stack: Visit[] = [{ value: root, group: {}, envelope, inArguments: false }];
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    const { value, group } = visit;
    if (typeof value !== "object" || value === null) continue;
    const inner: Visit[] = [];
    for (const [key, member] of childrenOf(value)) {
      if (typeof key === "string") keys.push(key);
      const below = {
        envelope: typeof key === "string" ? (visit.envelope?.inner.get(key) ?? null) : visit.envelope,
        inArguments: visit.inArguments || holdsArguments(value, key),
      };
      if (typeof member === "string") {
        if (!isName(visit.envelope, key, member)) leaves.push({ holder: value, key, text: member, group });
      } else if (typeof member === "number") {
        if (below.inArguments) numbers.push(String(member));
      } else if (Array.isArray(member)) inner.push({ ...below, value: member, group: member });
      else if (typeof member === "object" && member !== null) {
        inner.push({
          ...below,
          value: member,
          group: Array.isArray(value) && isPart(member) ? group : member,
        });
      }
    }
    for (const next of inner.reverse()) stack.push(next);
  }
  return { leaves, keys, numbers };
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
  const texts = leaves.filter(({ key }) => key === "text" || typeof key === "number");
  const crossing: Hit[] = [];
  for (const group of Map.groupBy(texts, (leaf) => leaf.group).values()) {
    if (group.length < 2) continue;
    let length = 0;
    const edges = group.map(({ text }) => (length += text.length));
    let edge = 0;
    for (const hit of hitsIn(group.map(({ text }) => text).join(""), rules)) {
      while ((edges[edge] ?? length) <= hit.start) edge += 1;
      if ((edges[edge] ?? length) < hit.end) crossing.push(hit);
    }
  }
  return crossing;
}

/** What a look at a body concluded. */
export type BodyInspection =
  { readonly kind: "passed" } | { readonly kind: "blocked"; readonly guard: string };

/**
 * Looks at every string in a JSON body, member names included, and at the numbers in the arguments of tool calls, and
 * takes out what the rules say. A match in a number or a name, or that only shows when adjacent parts are read together,
 * cannot be taken out cleanly, so it blocks.
 * @param envelope where the strings are that name things, which are passed over @default nowhere
 */
export function inspectBody(
  body: Json,
  rules: readonly GuardRule[],
  book: VerdictBook,
  envelope: Envelope | null = null,
): BodyInspection {
  const { leaves, keys, numbers } = collect(body, envelope);
  const fixed = [
    ...acrossLeaves(leaves, rules),
    ...hitsInNames(keys, rules),
    ...numbers.flatMap((number) => hitsIn(number, rules)),
  ];
  book.add(fixed);
  let blocked = fixed.find((hit) => hit.action !== "flag")?.rule.detector.name ?? null;
  for (const leaf of leaves) {
    const hits = hitsIn(leaf.text, rules);
    if (hits.length === 0) continue;
    book.add(hits);
    blocked ??= hits.find(stops)?.rule.detector.name ?? null;
    const text = applyHits(leaf.text, hits);
    if (Array.isArray(leaf.holder)) leaf.holder[leaf.key as number] = text;
    else leaf.holder[leaf.key as string] = text;
  }
  return blocked === null ? { kind: "passed" } : { kind: "blocked", guard: blocked };
}
