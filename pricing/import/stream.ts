import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { JSONParser } from "@streamparser/json-node";
import { z } from "zod";

/** A price list that cannot be imported; the message names file, key, value and what is expected. */
export class PriceImportError extends Error {
  override readonly name = "PriceImportError";
}

/** Most entries of a list that are looked at: the whole of AmazonEC2 has about a million. */
const MAX_ENTRIES = 5_000_000;

/** One value of a JSON file with the keys that lead to it. */
export interface StreamedValue {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

const emitted = z.object({
  value: z.unknown(),
  key: z.union([z.string(), z.number()]).optional(),
  stack: z.array(z.object({ key: z.union([z.string(), z.number()]).optional() })),
});

/**
 * Reads a JSON file piece by piece, so that lists of any size take the memory of their largest entry.
 * @param paths what to hand over, for example `$.products.*`
 * @throws PriceImportError when the file cannot be read, is no JSON, or holds too many entries
 */
export async function streamJson(
  file: string,
  paths: readonly string[],
  visit: (entry: StreamedValue) => void,
): Promise<void> {
  const parser = new JSONParser({ paths: [...paths], keepStack: false });
  let entries = 0;
  // A pipeline reports that it was aborted rather than why.
  let refused: unknown;
  const consume = async (source: AsyncIterable<unknown>): Promise<void> => {
    try {
      for await (const raw of source) {
        if (++entries > MAX_ENTRIES)
          throw new PriceImportError(
            `${file}: has more than ${MAX_ENTRIES} entries; import one region at a time`,
          );
        const { value, key, stack } = emitted.parse(raw);
        const keys = [...stack.map((each) => each.key), key].filter((each) => each !== undefined);
        visit({ path: keys, value });
      }
    } catch (error) {
      refused = error;
      throw error;
    }
  };
  const bytes = createReadStream(file);
  try {
    await (file.endsWith(".gz")
      ? pipeline(bytes, createGunzip(), parser, consume)
      : pipeline(bytes, parser, consume));
  } catch (error) {
    if (refused instanceof PriceImportError) throw refused;
    throw new PriceImportError(
      `${file}: ${error instanceof Error ? error.message : String(error)}; expected the JSON file as the cloud offers it`,
    );
  }
}

/** Reads a value with a schema. @throws PriceImportError naming file, key and value */
export function expectShape<T>(
  file: string,
  path: readonly (string | number)[],
  schema: z.ZodType<T>,
  value: unknown,
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = z.core.toDotPath([...path, ...(issue?.path ?? [])]);
  const found = (issue?.path ?? []).reduce<unknown>(
    (inner, step) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );
  throw new PriceImportError(
    `${file}: ${key} = ${found === undefined ? "(missing)" : JSON.stringify(found)}: ${issue?.message ?? "has another form"}`,
  );
}
