import { isDeepStrictEqual } from "node:util";
import {
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { CONFIG_KEY } from "../stacks/schema/stack-file.ts";
import { entryNames } from "./differences.ts";
import { ForkError } from "./fork-error.ts";
import { formatted, PRINT_WIDTH } from "./stack-document.ts";

/** A key that the client and the template changed to different values. */
export interface Conflict {
  readonly key: string;
  /** What both had before; undefined where a side has no such key. */
  readonly base: unknown;
  readonly client: unknown;
  readonly template: unknown;
}

/** Whose value wins at keys both changed. */
export interface Choices {
  /** Keys where the client's value stays. */
  readonly keep: readonly string[];
  /** Keys where the template's value is taken. */
  readonly take: readonly string[];
}

/** A merged file. */
export interface Merge {
  readonly text: string;
  /** Keys without a choice; the text has the client's values there. */
  readonly conflicts: readonly Conflict[];
}

type Sides<T> = { readonly base: T; readonly client: T; readonly template: T };
type MaybeNode = Node | undefined;

/** What of a node is layout and comment, not value. */
interface Layout {
  commentBefore?: string | null;
  comment?: string | null;
  spaceBefore?: boolean;
  flow?: boolean;
}

const LAYOUT = ["commentBefore", "comment", "spaceBefore", "flow"] as const;

/** Plain value of a node. */
function plain(node: MaybeNode): unknown {
  return node === undefined ? undefined : (node.toJSON() as unknown);
}

/** Comments and layout: the client's where it changed them, else the template's. */
function mergeLayout(into: Layout, { base, client, template }: Sides<Layout | undefined>): void {
  for (const key of LAYOUT) {
    const isOwn = client !== undefined && (client[key] ?? undefined) !== (base?.[key] ?? undefined);
    const value = (isOwn ? client : (template ?? client))?.[key];
    if (value === undefined || value === null) Reflect.deleteProperty(into, key);
    else Object.assign(into, { [key]: value });
  }
}

/** Order of names: the template's while the client kept the order it got, else the client's; others follow their neighbours. */
function orderOf({ base, client, template }: Sides<readonly string[]>): string[] {
  const common = (list: readonly string[], other: readonly string[]): string =>
    list.filter((name) => other.includes(name)).join("\n");
  const isKept = common(client, base) === common(base, client);
  const [first, second] = isKept ? [template, client] : [client, template];
  const order = [...first];
  second.forEach((name, index) => {
    if (order.includes(name)) return;
    const before = second.slice(0, index).findLast((other) => order.includes(other));
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, name);
  });
  return order;
}

class Merger {
  readonly conflicts: Conflict[] = [];
  readonly #choices: Choices;
  readonly met = new Set<string>();

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  node(key: string, sides: Sides<MaybeNode>): MaybeNode {
    const { base, client, template } = sides;
    if (isMap(client) && isMap(template) && (base === undefined || isMap(base)))
      return this.#map(key, { base, client, template });
    if (isSeq(client) && isSeq(template) && (base === undefined || isSeq(base))) {
      const names = {
        base: entryNames(base === undefined ? [] : (plain(base) as unknown[])),
        client: entryNames(plain(client) as unknown[]),
        template: entryNames(plain(template) as unknown[]),
      };
      if (names.base !== undefined && names.client !== undefined && names.template !== undefined)
        return this.#list(
          key,
          { base, client, template },
          { base: names.base, client: names.client, template: names.template },
        );
    }
    return this.#whole(key, sides);
  }

  /** A value that is not looked into. */
  #whole(key: string, sides: Sides<MaybeNode>): MaybeNode {
    const [base, client, template] = [plain(sides.base), plain(sides.client), plain(sides.template)];
    if (isDeepStrictEqual(client, template)) return this.#withLayout(ownLayout(sides), sides);
    if (isDeepStrictEqual(client, base)) return this.#withLayout(sides.template, sides);
    if (isDeepStrictEqual(base, template)) return this.#withLayout(sides.client, sides);
    this.met.add(key);
    if (this.#choices.take.includes(key)) return this.#withLayout(sides.template, sides);
    if (!this.#choices.keep.includes(key)) this.conflicts.push({ key, base, client, template });
    return this.#withLayout(sides.client, sides);
  }

  #withLayout(node: MaybeNode, sides: Sides<MaybeNode>): MaybeNode {
    if (node !== undefined) {
      const of = (side: MaybeNode): Layout | undefined =>
        side === undefined ? undefined : { ...(side as Layout) };
      mergeLayout(node, {
        base: of(sides.base),
        client: of(sides.client),
        template: of(sides.template),
      });
    }
    return node;
  }

  #map(
    key: string,
    { base, client, template }: { base: YAMLMap | undefined; client: YAMLMap; template: YAMLMap },
  ): YAMLMap {
    const named = (map: YAMLMap | undefined): Map<string, Pair> =>
      new Map(
        (map?.items ?? []).map((pair) => [
          isScalar(pair.key) ? String(pair.key.value) : String(pair.key),
          pair,
        ]),
      );
    const pairs = { base: named(base), client: named(client), template: named(template) };
    const order = orderOf({
      base: [...pairs.base.keys()],
      client: [...pairs.client.keys()],
      template: [...pairs.template.keys()],
    });
    const items = order.flatMap((name): Pair[] => {
      const each = {
        base: pairs.base.get(name),
        client: pairs.client.get(name),
        template: pairs.template.get(name),
      };
      const value = this.node(key === "" ? name : `${key}.${name}`, {
        base: nodeOf(each.base),
        client: nodeOf(each.client),
        template: nodeOf(each.template),
      });
      const pair = each.client ?? each.template;
      if (value === undefined || pair === undefined) return [];
      const layout = (side: Pair | undefined): Layout | undefined =>
        isScalar(side?.key) ? { ...(side.key as Layout) } : undefined;
      const sides = { base: layout(each.base), client: layout(each.client), template: layout(each.template) };
      if (isScalar(pair.key)) mergeLayout(pair.key, sides);
      pair.value = value;
      return [pair];
    });
    client.items = items;
    this.#withLayout(client, { base, client, template });
    return client;
  }

  #list(
    key: string,
    { base, client, template }: { base: YAMLSeq | undefined; client: YAMLSeq; template: YAMLSeq },
    names: Sides<readonly string[]>,
  ): YAMLSeq {
    const at = (list: YAMLSeq | undefined, index: number): MaybeNode => list?.items[index] as MaybeNode;
    client.items = orderOf(names).flatMap((name) => {
      const node = this.node(`${key}[${name}]`, {
        base: at(base, names.base.indexOf(name)),
        client: at(client, names.client.indexOf(name)),
        template: at(template, names.template.indexOf(name)),
      });
      return node === undefined ? [] : [node];
    });
    this.#withLayout(client, { base, client, template });
    return client;
  }
}

/** Of two equal values the one whose comments are to stay: the client's where it changed what it had got, else the template's. */
function ownLayout({ base, client, template }: Sides<MaybeNode>): MaybeNode {
  const text = (node: MaybeNode): string => (node === undefined ? "" : stringify(node));
  return text(client) === text(base) ? template : client;
}

/** Node of a pair; a key without value counts as one with null. */
function nodeOf(pair: Pair | undefined): MaybeNode {
  return pair === undefined ? undefined : (pair.value as MaybeNode);
}

function documentOf(text: string, side: string): Document.Parsed {
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) throw new ForkError(`${side}: ${error.message.split("\n")[0] ?? ""}`);
  visit(document, {
    Alias: () => {
      throw new ForkError(`${side}: a merge cannot follow anchors and aliases (*name); write the values out`);
    },
  });
  return document;
}

/** What stands before the keys of a stack file as people write them. */
export const ABOVE_PLATFORM = `config.${CONFIG_KEY}.`;

/**
 * Merges what the template changed into a client's file: a key only one of them changed gets that change, with the comments and
 * the order of whoever changed those. Lists are merged by the names of their entries; a list without names is one value.
 * @param file path of the client's file, for messages
 * @param above what stands before the keys as people write them
 * @throws ForkError for a file that is not YAML, and for a choice about a key without a conflict
 */
export async function mergeYaml(
  texts: Sides<string>,
  choices: Choices,
  file: string,
  above = "",
): Promise<Merge> {
  const sides = {
    base: documentOf(texts.base, `record of ${file}`),
    client: documentOf(texts.client, file),
    template: documentOf(texts.template, `template of ${file}`),
  };
  const ownKey = (key: string): string => (key.startsWith(above) ? key.slice(above.length) : key);
  const whole = (keys: readonly string[]): string[] => keys.map((key) => `${above}${key}`);
  const merger = new Merger({ keep: whole(choices.keep), take: whole(choices.take) });
  const contents = merger.node("", {
    base: sides.base.contents ?? undefined,
    client: sides.client.contents ?? undefined,
    template: sides.template.contents ?? undefined,
  });
  const strange = whole([...choices.keep, ...choices.take]).find((key) => !merger.met.has(key));
  if (strange !== undefined)
    throw new ForkError(
      `${file}: there is no conflict at '${ownKey(strange)}'; conflicts: ${[...merger.met].map(ownKey).join(", ") || "none"}`,
    );
  const result = sides.client;
  result.contents = contents as typeof result.contents;
  mergeLayout(result, {
    base: { ...sides.base },
    client: { ...sides.client },
    template: { ...sides.template },
  });
  return {
    text: await formatted(result.toString({ lineWidth: PRINT_WIDTH })),
    conflicts: merger.conflicts.map((conflict) => ({ ...conflict, key: ownKey(conflict.key) })),
  };
}
