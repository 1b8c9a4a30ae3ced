import { Ajv } from "ajv";
import type { Json } from "../guards/leaves.ts";
import type { JsonObject } from "./endpoint.ts";

/** Result of checking a value. */
export type SchemaResult = { readonly kind: "valid" } | { readonly kind: "invalid"; readonly errors: string };

/** Raised for a schema that cannot be used. */
export class UnusableSchemaError extends Error {
  constructor(reason: string) {
    super(`the JSON schema cannot be used: ${reason}`);
    this.name = "UnusableSchemaError";
  }
}

const MAX_SCHEMA_CHARACTERS = 64 * 1024;
const REFUSED = new Set(["pattern", "patternProperties", "$dynamicRef", "$recursiveRef"]);

function refusedKeyword(schema: Json): string | null {
  if (typeof schema !== "object" || schema === null) return null;
  if (Array.isArray(schema)) return schema.map(refusedKeyword).find((word) => word !== null) ?? null;
  for (const [key, value] of Object.entries(schema)) {
    if (REFUSED.has(key) && (typeof value === "string" || key === "patternProperties")) return key;
    const inner = refusedKeyword(value);
    if (inner !== null) return inner;
  }
  return null;
}

const OPTIONS = { strict: false, validateFormats: false, allErrors: false, logger: false } as const;

/** Knows what a schema may look like, and no schema of a caller. */
const grammar = new Ajv(OPTIONS);

/**
 * Compiles a JSON schema. Regular expressions are refused because a schema comes from a caller and could make the
 * check run for ever.
 * @throws UnusableSchemaError for such schemas, large ones and broken ones.
 */
export function compileSchema(schema: JsonObject): (value: Json) => SchemaResult {
  if (JSON.stringify(schema).length > MAX_SCHEMA_CHARACTERS) throw new UnusableSchemaError("it is too large");
  const word = refusedKeyword(schema);
  if (word !== null) throw new UnusableSchemaError(`"${word}" is not accepted`);
  // One for each schema, so that none can name another's parts; the grammar takes long to compile and is not theirs.
  const ajv = new Ajv({ ...OPTIONS, validateSchema: false });
  try {
    const plain = Object.fromEntries(
      Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"),
    );
    if (grammar.validateSchema(plain) !== true) throw new Error(`schema is invalid: ${grammar.errorsText()}`);
    const check = ajv.compile(plain);
    return (value) =>
      check(value) ? { kind: "valid" } : { kind: "invalid", errors: ajv.errorsText(check.errors) };
  } catch (error) {
    throw new UnusableSchemaError(error instanceof Error ? error.message : "unknown");
  }
}
