import { isDeepStrictEqual } from "node:util";

/** A value of a stack file that is not what it was. */
export interface Difference {
  /** Key path; entries of a list are named, not numbered: `models[claims-assistant].gpu.pool`. */
  readonly key: string;
  /** Undefined where the key is not there. */
  readonly from: unknown;
  readonly to: unknown;
}

/** Keys that name an entry of a list, in the order they are looked for. */
const NAMES = ["name", "id"] as const;

/** Whether a value is a mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Names of the entries of a list, or undefined where an entry has none or two have the same: such a list is one value.
 * Entries without `name` or `id` are named by their control and subject, as declarations are.
 */
export function entryNames(list: readonly unknown[]): string[] | undefined {
  const names = list.map((entry) => {
    if (!isMapping(entry)) return undefined;
    const name = NAMES.map((key) => entry[key]).find((value) => typeof value === "string");
    if (typeof name === "string") return name;
    const { control, subject } = entry;
    return typeof control === "string"
      ? `${control} ${typeof subject === "string" ? subject : "stack"}`
      : undefined;
  });
  const known = names.filter((name) => name !== undefined);
  return known.length === list.length && new Set(known).size === list.length ? known : undefined;
}

/** Every value that is not the same in two files, at the deepest key that both have. */
export function differences(from: unknown, to: unknown, key = ""): Difference[] {
  if (isDeepStrictEqual(from, to)) return [];
  const at = (name: string): string => (key === "" ? name : `${key}.${name}`);
  if (isMapping(from) && isMapping(to))
    return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((name) =>
      differences(from[name], to[name], at(name)),
    );
  if (Array.isArray(from) && Array.isArray(to)) {
    const [before, after] = [entryNames(from), entryNames(to)];
    if (before !== undefined && after !== undefined) {
      const inner = [...new Set([...before, ...after])].flatMap((name) =>
        differences(from[before.indexOf(name)], to[after.indexOf(name)], `${key}[${name}]`),
      );
      // The same entries in another order are a difference of the list.
      if (inner.length > 0) return inner;
    }
  }
  return [{ key, from, to }];
}
