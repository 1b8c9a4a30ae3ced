/** Raised when a value has no canonical JSON form (RFC 8785 section 3.1 restricts the input to I-JSON). */
export class NotCanonicalError extends Error {
  /** Where in the value, as a JSON pointer. */
  readonly path: string;
  readonly #reason: string;

  constructor(path: string, reason: string) {
    super(`no canonical JSON form at ${path === "" ? "the root" : path}: ${reason}`);
    this.name = "NotCanonicalError";
    this.path = path;
    this.#reason = reason;
  }

  /** The same error seen from one level further out. */
  within(member: string | number): NotCanonicalError {
    return new NotCanonicalError(`/${member}${this.path}`, this.#reason);
  }
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new NotCanonicalError("", "lone surrogate in a string");
  return JSON.stringify(text);
}

function writeMember(key: string | number, value: unknown): string {
  try {
    return write(value);
  } catch (error) {
    throw error instanceof NotCanonicalError ? error.within(key) : error;
  }
}

function writeObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotCanonicalError("", "only plain objects are allowed");
  }
  const source = value as Record<string, unknown>;
  let members = "";
  for (const key of Object.keys(source).sort()) {
    const member = source[key];
    if (member === undefined) continue;
    members += `${members === "" ? "" : ","}${quote(key)}:${writeMember(key, member)}`;
  }
  return `{${members}}`;
}

function write(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isFinite(value)) throw new NotCanonicalError("", "number is not finite");
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) {
        return `[${value.map((item: unknown, index) => writeMember(index, item)).join(",")}]`;
      }
      return writeObject(value);
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      throw new NotCanonicalError("", `${typeof value} is not a JSON value`);
  }
}

/**
 * Serialises a value as canonical JSON (RFC 8785): members sorted by UTF-16 code units, ECMAScript numbers, no
 * white space; object members that are `undefined` are left out.
 * @throws NotCanonicalError for lone surrogates, non-finite numbers and anything that is not JSON.
 */
export function canonicalJson(value: unknown): string {
  return write(value);
}
