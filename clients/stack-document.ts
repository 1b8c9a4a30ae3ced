import { format } from "prettier";
import { isCollection, isMap, isScalar, isSeq, parseDocument, type Document } from "yaml";
import { CONFIG_KEY } from "../stacks/schema/stack-file.ts";
import { ForkError } from "./fork-error.ts";

/** Keys below `llmops:platform`. */
export type KeyList = readonly (string | number)[];

/** Lines of the repository's YAML files, characters. */
export const PRINT_WIDTH = 110;

/** YAML in the repository's own layout. */
export function formatted(text: string): Promise<string> {
  return format(text, { parser: "yaml", printWidth: PRINT_WIDTH });
}

/** A stack file that is changed key by key; comments, order and quotes of everything else stay. */
export class StackDocument {
  readonly #document: Document.Parsed;

  /** @throws ForkError when the text is not YAML */
  constructor(text: string, file: string) {
    this.#document = parseDocument(text, { uniqueKeys: true });
    const [error] = this.#document.errors;
    if (error !== undefined) throw new ForkError(`${file}: ${error.message.split("\n")[0] ?? ""}`);
  }

  /** Plain value at a key, undefined where there is none. */
  value(keys: KeyList): unknown {
    const node = this.#document.getIn(this.#path(keys), true);
    return isCollection(node) ? (node.toJSON() as unknown) : isScalar(node) ? node.value : undefined;
  }

  /** Text at a key, undefined where there is none. */
  text(keys: KeyList): string | undefined {
    const value = this.value(keys);
    return typeof value === "string" ? value : undefined;
  }

  has(keys: KeyList): boolean {
    return this.#document.hasIn(this.#path(keys));
  }

  /** Indexes of the list at a key; none where there is no list. */
  indexes(keys: KeyList): number[] {
    const node = this.#document.getIn(this.#path(keys), true);
    return isSeq(node) ? [...node.items.keys()] : [];
  }

  /** Names of the keys of the mapping at a key; none where there is no mapping. */
  names(keys: KeyList): string[] {
    const node = this.#document.getIn(this.#path(keys), true);
    return isMap(node) ? node.items.map(({ key }) => (isScalar(key) ? String(key.value) : String(key))) : [];
  }

  set(keys: KeyList, value: unknown): void {
    const path = this.#path(keys);
    const node = this.#document.getIn(path, true);
    const isPlain = typeof value !== "object" || value === null;
    if (isScalar(node) && isPlain) {
      node.value = value;
      return;
    }
    const made = isPlain ? value : this.#document.createNode(value);
    if (isCollection(made) && isCollection(node) && node.flow === true) made.flow = true;
    this.#document.setIn(path, made);
  }

  /** Sets a key that is there; leaves a document without it alone. */
  replace(keys: KeyList, value: unknown): void {
    if (this.has(keys)) this.set(keys, value);
  }

  remove(keys: KeyList): void {
    if (this.has(keys)) this.#document.deleteIn(this.#path(keys));
  }

  /** Replaces what the comment at the top says, but not the line editors read. */
  describe(lines: readonly string[]): void {
    const { contents } = this.#document;
    const first = isMap(contents) ? contents.items[0]?.key : undefined;
    const holders: { commentBefore?: string | null }[] = [
      ...(isScalar(first) ? [first] : []),
      ...(contents === null ? [] : [contents]),
      this.#document,
    ];
    const [holder] = holders.filter(({ commentBefore }) => (commentBefore ?? "") !== "");
    const before = (holder?.commentBefore ?? "").split("\n");
    const forEditors = before.filter((line) => line.includes("yaml-language-server:"));
    (holder ?? this.#document).commentBefore = [...forEditors, ...lines.map((line) => ` ${line}`)].join("\n");
  }

  /** The file's text in the repository's layout. */
  render(): Promise<string> {
    return formatted(this.#document.toString({ lineWidth: PRINT_WIDTH }));
  }

  #path(keys: KeyList): (string | number)[] {
    return ["config", CONFIG_KEY, ...keys];
  }
}
