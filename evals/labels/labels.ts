import { createHash } from "node:crypto";
import { z } from "zod";

/** A file with labels or tasks is not what it must be; the message names file, key and value. */
export class LabelError extends Error {
  override readonly name = "LabelError";
}

const label = z.strictObject({
  suite: z.string().min(1),
  id: z.string().min(1),
  repeat: z.int().min(0),
  /** SHA-256 of the answer that was read, hex. */
  answer: z.string().regex(/^[0-9a-f]{64}$/),
  reviews: z
    .array(
      z.strictObject({
        /** A number or name the labelling tool gave; no address. */
        reviewer: z.string().regex(/^[\w.-]{1,60}$/),
        verdict: z.enum(["good", "bad", "unsure"]),
      }),
    )
    .min(1),
});

/** What people say about one answer. */
export type HumanLabel = z.output<typeof label>;

/** SHA-256 of an answer, hex: a label counts for the text that was read and no other. */
export function answerDigest(answer: string): string {
  return createHash("sha256").update(answer).digest("hex");
}

/**
 * Reads labels, one a line.
 * @throws LabelError naming file, line, key
 */
export function parseLabels(file: string, text: string): HumanLabel[] {
  const seen = new Set<string>();
  return text
    .split("\n")
    .map((line, index) => [line, index + 1] as const)
    .filter(([line]) => line.trim() !== "")
    .map(([line, number]) => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        throw new LabelError(`${file}:${number}: this line is not JSON`);
      }
      const parsed = label.safeParse(value);
      if (!parsed.success)
        throw new LabelError(
          parsed.error.issues
            .map(
              ({ path, message }) =>
                `${file}:${number}: ${z.core.toDotPath(path) || "the label"}: ${message}`,
            )
            .join("\n"),
        );
      const key = `${parsed.data.suite}/${parsed.data.id}#${parsed.data.repeat}`;
      if (seen.has(key)) throw new LabelError(`${file}:${number}: ${key} is there twice`);
      seen.add(key);
      return parsed.data;
    });
}

/** Labels as a file. */
export function labelsText(labels: readonly HumanLabel[]): string {
  return labels.map((each) => `${JSON.stringify(each)}\n`).join("");
}
