/** Raised when a value has no canonical JSON form (RFC 8785 section 3.1 restricts the input to I-JSON). */
export class NotCanonicalError extends Error {
  /** Where in the value, as a JSON pointer. */
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`no canonical JSON form at ${path === "" ? "the root" : path}: ${reason}`);
    this.name = "NotCanonicalError";
    this.path = path;
  }
}

/** Why a value itself, without what it holds, has no canonical form; null when it has one. */
function fault(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? null : "lone surrogate in a string";
    case "number":
      return Number.isFinite(value) ? null : "number is not finite";
    case "boolean":
      return null;
    case "object": {
      if (value === null || Array.isArray(value)) return null;
      const prototype: unknown = Object.getPrototypeOf(value);
      return prototype === Object.prototype || prototype === null ? null : "only plain objects are allowed";
    }
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      return `${typeof value} is not a JSON value`;
  }
}

/** Finds the first fault, for the error only; the writer itself keeps no path. */
function findFault(value: unknown, path: string): NotCanonicalError | null {
  const own = fault(value);
  if (own !== null) return new NotCanonicalError(path, own);
  if (typeof value !== "object" || value === null) return null;
  const members: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [String(index), item] as const)
    : Object.entries(value).filter(([, member]) => member !== undefined);
  for (const [key, member] of members) {
    const within = fault(key) === null ? findFault(member, `${path}/${key}`) : findFault(key, path);
    if (within !== null) return within;
  }
  return null;
}

class Fault extends Error {}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new Fault();
  return JSON.stringify(text);
}

const MAX_KNOWN_KEYS = 1_024;
const knownKeys = new Map<string, string>();

/** A member name with its colon; the names of records are few and repeat. */
function quotedKey(key: string): string {
  const known = knownKeys.get(key);
  if (known !== undefined) return known;
  const quoted = `${quote(key)}:`;
  if (knownKeys.size < MAX_KNOWN_KEYS && key.length <= 64) knownKeys.set(key, quoted);
  return quoted;
}

function writeObject(value: object): string {
  const source = value as Record<string, unknown>;
  let members = "";
  for (const key of Object.keys(source).sort()) {
    const member = source[key];
    if (member === undefined) continue;
    members += (members === "" ? "" : ",") + quotedKey(key) + write(member);
  }
  return `{${members}}`;
}

function writeArray(items: readonly unknown[]): string {
  let text = "";
  for (const item of items) text += (text === "" ? "" : ",") + write(item);
  return `[${text}]`;
}

function write(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (fault(value) !== null) throw new Fault();
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? writeArray(value) : writeObject(value);
}

/**
 * Serialises a value as canonical JSON (RFC 8785): members sorted by UTF-16 code units, ECMAScript numbers, no
 * white space; object members that are `undefined` are left out.
 * @throws NotCanonicalError for lone surrogates, non-finite numbers and anything that is not JSON.
 */
export function canonicalJson(value: unknown): string {
  try {
    return write(value);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw findFault(value, "") ?? error;
  }
}
