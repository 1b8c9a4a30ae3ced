/** Marks an input whose value is only known after `pulumi up` (an output of another resource). */
export interface UnknownValue {
  readonly $unknown: true;
}

/** Marks a secret input; the plaintext is dropped at capture time and never enters the graph. */
export interface SecretValue {
  readonly $secret: true;
}

/** A JSON value in which unknown and secret leaves stay visible as such. */
export type GraphValue =
  | null
  | boolean
  | number
  | string
  | UnknownValue
  | SecretValue
  | readonly GraphValue[]
  | { readonly [key: string]: GraphValue };

/** The one unknown marker; a policy or price that meets it must fail closed. */
export const UNKNOWN: UnknownValue = Object.freeze({ $unknown: true });

/** The one secret marker. */
export const SECRET: SecretValue = Object.freeze({ $secret: true });

/** True for the unknown marker. */
export function isUnknown(value: GraphValue | undefined): value is UnknownValue {
  return typeof value === "object" && value !== null && "$unknown" in value;
}

/** True for the secret marker. */
export function isSecret(value: GraphValue | undefined): value is SecretValue {
  return typeof value === "object" && value !== null && "$secret" in value;
}

/** True for a plain object: neither a list nor a marker. */
export function isRecord(value: GraphValue | undefined): value is { readonly [key: string]: GraphValue } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !isUnknown(value) &&
    !isSecret(value)
  );
}

/** Key paths (`a.b[0].c`) of every leaf that satisfies `test`, in document order. */
export function pathsWhere(value: GraphValue, test: (leaf: GraphValue) => boolean, path = ""): string[] {
  if (test(value)) return [path];
  if (Array.isArray(value)) {
    return (value as readonly GraphValue[]).flatMap((item, index) =>
      pathsWhere(item, test, `${path}[${index}]`),
    );
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    pathsWhere(item, test, path === "" ? key : `${path}.${key}`),
  );
}

/** Value at a key path (`spec.template.0.name`) inside a value; undefined where a step is missing. */
export function valueAt(value: GraphValue, path: string): GraphValue | undefined {
  return path
    .split(".")
    .reduce<GraphValue | undefined>(
      (inner, key) =>
        Array.isArray(inner)
          ? (inner as readonly GraphValue[])[Number(key)]
          : isUnknown(inner)
            ? inner
            : isRecord(inner)
              ? inner[key]
              : undefined,
      value,
    );
}
