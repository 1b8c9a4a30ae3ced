import { z } from "zod";
import { platform } from "./platform.ts";
import { formatPath, type KeyPath } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

/** Fix of last resort, when the schema says nothing better. */
export const NO_MATCH_FIX = "see `npx llmops config explain <key>`";

/** Strips `optional`, `default`, `prefault` and the like. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const inner = (schema as { _zod: { def: { innerType?: z.core.$ZodType } } })._zod.def.innerType;
  return inner === undefined ? schema : unwrap(inner);
}

function variantFor(union: z.core.$ZodDiscriminatedUnion, value: unknown): z.core.$ZodType | undefined {
  const { discriminator, options } = union._zod.def;
  const given =
    typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)[discriminator]
      : undefined;
  return options.find((option) => option._zod.propValues?.[discriminator]?.has(given as string) === true);
}

/** The schema at a key path; a union is resolved by the value that stands there. @default the stack file's schema */
export function schemaAt(
  path: KeyPath,
  root: unknown,
  whole: z.core.$ZodType = platform,
): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType | undefined = whole;
  let value: unknown = root;
  const settle = (): void => {
    if (schema === undefined) return;
    schema = unwrap(schema);
    if (schema instanceof z.ZodDiscriminatedUnion) schema = variantFor(schema, value) ?? schema;
  };
  settle();
  for (const key of path) {
    if (schema instanceof z.ZodObject)
      schema = (schema.shape as Record<string, z.core.$ZodType>)[String(key)];
    else if (schema instanceof z.ZodArray) schema = schema._zod.def.element;
    else if (schema instanceof z.ZodRecord) schema = schema._zod.def.valueType;
    else return undefined;
    value =
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
    settle();
  }
  return schema;
}

/** Keys an object may have at a key path. */
export function knownKeysAt(path: KeyPath, root: unknown, whole?: z.core.$ZodType): string[] {
  const schema = schemaAt(path, root, whole);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** One-sentence description of the schema at a key path, looking through wrappers. */
export function descriptionOf(schema: z.core.$ZodType | undefined): string | undefined {
  let current = schema as
    { description?: string; _zod: { def: { innerType?: z.core.$ZodType } } } | undefined;
  while (current !== undefined) {
    if (current.description !== undefined) return current.description;
    current = current._zod.def.innerType as typeof current;
  }
  return undefined;
}

function discriminatorsOf(union: z.core.$ZodDiscriminatedUnion): string[] {
  const { discriminator, options } = union._zod.def;
  return options.flatMap((option) => [...(option._zod.propValues?.[discriminator] ?? [])].map(String));
}

/** What to write instead, in words, for the type of a schema. */
export function expectedForm(schema: z.core.$ZodType | undefined): string {
  if (schema === undefined) return "a value";
  const bare = unwrap(schema);
  if (bare instanceof z.ZodEnum) return `one of ${bare.options.map((option) => String(option)).join(", ")}`;
  if (bare instanceof z.ZodLiteral)
    return [...bare.values].map((value) => JSON.stringify(value)).join(" or ");
  if (bare instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = bare._zod.def;
    const kinds = discriminatorsOf(bare);
    return `a mapping with '${discriminator}' one of ${kinds.join(", ")}`;
  }
  if (bare instanceof z.ZodUnion)
    return bare._zod.def.options.map((option) => expectedForm(option)).join(" or ");
  if (bare instanceof z.ZodArray) return "a list";
  if (bare instanceof z.ZodObject) return `a mapping with the keys ${Object.keys(bare.shape).join(", ")}`;
  if (bare instanceof z.ZodNumber)
    return bare.format?.includes("int") === true ? "a whole number" : "a number";
  if (bare instanceof z.ZodString || bare instanceof z.ZodStringFormat) return "text";
  return "a value";
}

/** Values a union's discriminator may have at a key path. */
function discriminatorsAt(path: KeyPath, root: unknown, whole?: z.core.$ZodType): string[] {
  const schema = schemaAt(path, root, whole);
  return schema instanceof z.ZodDiscriminatedUnion ? discriminatorsOf(schema) : [];
}

function boundOf(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  return issue.code === "too_small"
    ? `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`
    : `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
}

/** The fix for a zod issue: what to write at its key path. */
export function fixFor(
  issue: z.core.$ZodIssue,
  value: unknown,
  root: unknown,
  whole?: z.core.$ZodType,
): string | undefined {
  const schema = schemaAt(issue.path, root, whole);
  const bare = schema === undefined ? undefined : unwrap(schema);
  const path = formatPath(issue.path);
  const purpose = descriptionOf(schema);
  const suffix = purpose === undefined ? "" : ` (${purpose.replace(/\.$/, "")})`;
  if (issue.code === "invalid_value" && typeof value === "string") {
    const meant = didYouMean(value, issue.values.map(String));
    return `${meant === undefined ? "" : `did you mean '${meant}'? `}use one of ${issue.values.map(String).join(", ")}`;
  }
  if (issue.code === "invalid_union" && issue.discriminator !== undefined)
    return `set ${path} to one of ${discriminatorsAt(issue.path.slice(0, -1), root, whole).join(", ")}`;
  if (issue.code === "invalid_format" && value !== undefined)
    return `change ${path}: it ${issue.message}${suffix}`;
  if (issue.code === "too_small" || issue.code === "too_big") {
    const bound = boundOf(issue);
    const unit = issue.origin === "array" ? " entries" : issue.origin === "string" ? " characters" : "";
    return `set ${path} to ${bound}${unit}${suffix}`;
  }
  return `set ${path} to ${expectedForm(bare)}${suffix}`;
}
