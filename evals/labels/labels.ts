import { createHash } from "node:crypto";
import { z } from "zod";
import { parseJsonLines } from "../json-lines.ts";

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
  return parseJsonLines(text, {
    file,
    schema: label,
    noun: "the label",
    key: ({ suite, id, repeat }) => `${suite}/${id}#${repeat}`,
    failure: LabelError,
  });
}

/** Labels as a file. */
export function labelsText(labels: readonly HumanLabel[]): string {
  return labels.map((each) => `${JSON.stringify(each)}\n`).join("");
}
