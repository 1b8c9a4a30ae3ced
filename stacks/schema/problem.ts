/** One thing wrong with a configuration: where, what, why and how to mend it. */
export interface ConfigProblem {
  /** Key path below `llmops:platform`, for example `models[0].gpu.pool`. */
  readonly path: string;
  /** Offending value as JSON, shortened to 80 characters; `(missing)` when there is none. */
  readonly value: string;
  readonly reason: string;
  readonly fix: string;
}

/** A key path as zod reports it. */
export type KeyPath = readonly PropertyKey[];

/** `["models", 0, "gpu"]` as `models[0].gpu`. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

/** The value at a key path, or undefined. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    root,
  );
}

/** A value for an error message: JSON, at most 80 characters. */
export function showValue(value: unknown): string {
  if (value === undefined) return "(missing)";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
