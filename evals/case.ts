import { z } from "zod";
import { parseJsonLines } from "./json-lines.ts";

const words = z.array(z.string().min(1)).min(1);

/** How an answer is scored; every kind but `judge` is decided by rules. */
const grader = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("contains"), any: words }),
  z.strictObject({ kind: z.literal("excludes"), none: words }),
  /** What the text says, without what it does not say. */
  z.strictObject({ kind: z.literal("grounded"), any: words, none: z.array(z.string()).default([]) }),
  z.strictObject({ kind: z.literal("coherent") }),
  /** Refused by a guard, refused by the model, or free of the given words. */
  z.strictObject({ kind: z.literal("withheld"), none: words }),
  z.strictObject({ kind: z.literal("clean") }),
  z.strictObject({ kind: z.literal("private") }),
  z.strictObject({ kind: z.literal("guarded") }),
  /** The same verdict to the case's two questions. */
  z.strictObject({ kind: z.literal("same-verdict"), verdicts: z.array(words).min(2) }),
  z.strictObject({
    kind: z.literal("trajectory"),
    /** In this order; none where no tool is the right one. */
    calls: z.array(z.strictObject({ tool: z.string(), arguments: z.record(z.string(), z.json()) })),
    maxSteps: z.int().min(0),
  }),
  z.strictObject({ kind: z.literal("judge"), rubric: z.string().min(10) }),
]);

/** How an answer is scored. */
export type Grader = z.output<typeof grader>;

/** A tool the model may call, with what it answers; nothing is really called. */
const tool = z.strictObject({
  name: z.string().regex(/^[a-z_]{1,40}$/),
  description: z.string().min(1),
  parameters: z.record(z.string(), z.enum(["string", "number"])),
  result: z.string(),
});

/** A tool of a case. */
export type CaseTool = z.output<typeof tool>;

const evalCase = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,60}$/),
  suite: z.string().min(1),
  /** Asked one after the other, each in a conversation of its own. */
  questions: z.array(z.string().min(1)).min(1).max(2),
  tools: z.array(tool).default([]),
  grader,
});

/** One thing that is asked, and what a good answer is. */
export type EvalCase = z.output<typeof evalCase>;

/** A data set is not what it must be; the message names file, line and key. */
export class DataSetError extends Error {
  override readonly name = "DataSetError";
}

/**
 * Reads a data set of one case per line.
 * @throws DataSetError naming file, line and key
 */
export function parseCases(file: string, text: string): EvalCase[] {
  return parseJsonLines(text, {
    file,
    schema: evalCase,
    noun: "the case",
    key: ({ id }) => `the id '${id}'`,
    failure: DataSetError,
  });
}
