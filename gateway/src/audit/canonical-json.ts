/** Raised when a value has no canonical JSON form (RFC 8785 section 3.1 restricts the input to I-JSON). */
export class NotCanonicalError extends Error {
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`no canonical JSON form at ${path === "" ? "the root" : path}: ${reason}`);
    this.name = "NotCanonicalError";
    this.path = path;
  }
}

function quote(text: string, path: string): string {
  if (!text.isWellFormed()) throw new NotCanonicalError(path, "lone surrogate in a string");
  return JSON.stringify(text);
}

function writeObject(value: object, path: string): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotCanonicalError(path, "only plain objects are allowed");
  }
  const source = value as Record<string, unknown>;
  const members: string[] = [];
  for (const key of Object.keys(source).sort()) {
    const member = source[key];
    if (member === undefined) continue;
    members.push(`${quote(key, path)}:${write(member, `${path}/${key}`)}`);
  }
  return `{${members.join(",")}}`;
}

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case "string":
      return quote(value, path);
    case "number":
      if (!Number.isFinite(value)) throw new NotCanonicalError(path, "number is not finite");
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) {
        return `[${value.map((item, index) => write(item, `${path}/${index}`)).join(",")}]`;
      }
      return writeObject(value, path);
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      throw new NotCanonicalError(path, `${typeof value} is not a JSON value`);
  }
}

/**
 * Serialises a value as canonical JSON (RFC 8785): members sorted by UTF-16 code units, ECMAScript numbers, no
 * white space; object members that are `undefined` are left out.
 * @throws NotCanonicalError for lone surrogates, non-finite numbers and anything that is not JSON.
 */
export function canonicalJson(value: unknown): string {
  return write(value, "");
}
