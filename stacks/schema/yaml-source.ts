import { LineCounter, isMap, parseDocument, type Document } from "yaml";
import type { ConfigProblem } from "./problem.ts";

/** A problem with its place in the file. */
export interface LocatedProblem extends ConfigProblem {
  /** File, relative to the working directory. */
  readonly file: string;
  /** Line, from 1; the nearest existing parent when the key is missing. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/** The keys of a path such as `models[0].gpu`. */
export function toKeys(path: string): (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) =>
    index === undefined ? (name ?? "") : Number(index),
  );
}

/** Offset of the deepest existing node on a key path. */
function offsetOf(document: Document.Parsed, keys: readonly (string | number)[]): number {
  for (let length = keys.length; length > 0; length--) {
    const upTo = keys.slice(0, length);
    const parent = document.getIn(upTo.slice(0, -1), true) ?? document.contents;
    const last = upTo.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => String(item.key) === String(last));
      const key = pair?.key as { range?: [number, number, number] } | undefined;
      if (key?.range !== undefined) return key.range[0];
    } else {
      const node = document.getIn(upTo, true) as { range?: [number, number, number] } | undefined;
      if (node?.range !== undefined) return node.range[0];
    }
  }
  return 0;
}

/** A YAML text whose keys can be pointed at. */
export class YamlSource {
  readonly file: string;
  /** Syntax errors; the content is worth nothing when there are any. */
  readonly syntax: readonly LocatedProblem[];
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();

  constructor(text: string, file: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
    this.syntax = this.#document.errors.map((error) => ({
      file,
      ...this.#place(error.pos[0]),
      path: "",
      value: "(not YAML)",
      reason: error.message.split("\n")[0] ?? error.message,
      fix: "correct the YAML syntax",
    }));
  }

  /** The text as plain values. */
  get content(): unknown {
    const content: unknown = this.#document.toJS();
    return content;
  }

  /** Where a key is, or its nearest existing parent. */
  placeOf(keys: readonly (string | number)[]): { readonly line: number; readonly column: number } {
    return this.#place(offsetOf(this.#document, keys));
  }

  #place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}
