import { z } from "zod";
import { descriptionOf, expectedForm, schemaAt, unwrap } from "./describe.ts";
import { platform } from "./platform.ts";
import { didYouMean } from "./suggest.ts";

/** What a key means. */
export interface Explanation {
  readonly key: string;
  /** What may stand there, in words. */
  readonly form: string;
  readonly description: string | undefined;
  /** Value used when the key is left out. */
  readonly default: unknown;
  readonly children: readonly ExplainedChild[];
}

/** One key below an explained key. */
export interface ExplainedChild {
  readonly name: string;
  readonly required: boolean;
  readonly form: string;
  readonly description: string | undefined;
}

/** The key is not part of the configuration. */
export class UnknownKeyError extends Error {
  override readonly name = "UnknownKeyError";
}

function defaultOf(schema: z.core.$ZodType): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? schema._zod.def.defaultValue
    : undefined;
}

function childrenOf(schema: z.core.$ZodType): ExplainedChild[] {
  const bare = unwrap(schema);
  if (bare instanceof z.ZodArray) return childrenOf(bare._zod.def.element);
  if (bare instanceof z.ZodDiscriminatedUnion)
    return bare._zod.def.options.flatMap((option) => {
      const kind = [...(option._zod.propValues?.[bare._zod.def.discriminator] ?? [])].map(String).join("|");
      return childrenOf(option).map((child) => ({ ...child, name: `${child.name} [${kind}]` }));
    });
  if (!(bare instanceof z.ZodObject)) return [];
  return Object.entries(bare.shape as Record<string, z.core.$ZodType>).map(([name, child]) => ({
    name,
    required: !z.safeParse(child, undefined).success,
    form: expectedForm(child),
    description: descriptionOf(child),
  }));
}

function step(schema: z.core.$ZodType, name: string): z.core.$ZodType | undefined {
  const bare = unwrap(schema);
  if (bare instanceof z.ZodArray) return step(bare._zod.def.element, name);
  if (bare instanceof z.ZodObject) return (bare.shape as Record<string, z.core.$ZodType>)[name];
  if (bare instanceof z.ZodDiscriminatedUnion)
    return bare._zod.def.options.map((option) => step(option, name)).find((found) => found !== undefined);
  return undefined;
}

/**
 * Explains a key path such as `models[].gpu` or `cloud.cluster`.
 * @throws UnknownKeyError naming the keys that exist, when there is no such key.
 */
export function explain(key: string): Explanation {
  const names = key
    .replaceAll(/\[\d*\]/g, "")
    .split(".")
    .filter((name) => name !== "");
  let schema: z.core.$ZodType = schemaAt([], {}) ?? platform;
  for (const [index, name] of names.entries()) {
    const next = step(schema, name);
    if (next === undefined) {
      const known = [...new Set(childrenOf(schema).map((child) => child.name.split(" ")[0] ?? ""))];
      const meant = didYouMean(name, known);
      throw new UnknownKeyError(
        `there is no key '${names.slice(0, index + 1).join(".")}'; ${meant === undefined ? "" : `did you mean '${meant}'? `}known keys here: ${known.join(", ")}`,
      );
    }
    schema = next;
  }
  return {
    key,
    form: expectedForm(schema),
    description: descriptionOf(schema),
    default: defaultOf(schema),
    children: childrenOf(schema),
  };
}
