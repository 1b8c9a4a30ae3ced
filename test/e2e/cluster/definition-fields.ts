/** The part of an OpenAPI schema that says which fields exist and what they are. */
export interface FieldSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** Fields of a value that a definition does not have, lacks, or has as another type. */
export function strangers(value: unknown, schema: FieldSchema, path: string): string[] {
  const type = typeOf(value);
  if (schema.type !== undefined && schema.type !== type) return [`${path}: ${type}, not ${schema.type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${path}: ${String(value)}`];
  if (Array.isArray(value))
    return value.flatMap((each, index) => strangers(each, schema.items ?? {}, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  const fields = Object.entries(value);
  const missing = (schema.required ?? []).filter((key) => !fields.some(([name]) => name === key));
  return [
    ...missing.map((key) => `${path}.${key} is missing`),
    ...fields.flatMap(([key, inner]) => {
      const known = schema.properties?.[key] ?? schema.additionalProperties;
      return known === undefined
        ? [`${path}.${key} does not exist`]
        : strangers(inner, known, `${path}.${key}`);
    }),
  ];
}
