import { z } from "zod";

/** How a file of one JSON value per line is read. */
export interface JsonLines<T extends z.ZodType> {
  /** Named in every message. */
  readonly file: string;
  readonly schema: T;
  /** What a line is, for a message on the whole line: `the case`. */
  readonly noun: string;
  /** What only one line may have, as the message names it. */
  readonly key: (value: z.output<T>) => string;
  /** Error that a message is thrown as. */
  readonly failure: new (message: string) => Error;
}

/**
 * Reads a file of one JSON value per line; empty lines are passed over.
 * @throws the given error, naming file, line and key
 */
export function parseJsonLines<T extends z.ZodType>(
  text: string,
  { file, schema, noun, key, failure }: JsonLines<T>,
): z.output<T>[] {
  const seen = new Set<string>();
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const at = `${file}:${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new failure(`${at}: this line is not JSON`);
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success)
      throw new failure(
        parsed.error.issues
          .map(({ path, message }) => `${at}: ${z.core.toDotPath(path) || noun}: ${message}`)
          .join("\n"),
      );
    const name = key(parsed.data);
    if (seen.has(name)) throw new failure(`${at}: ${name} is there twice`);
    seen.add(name);
    return [parsed.data];
  });
}
