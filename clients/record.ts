import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { forkAnswers } from "./answers.ts";
import { ForkError } from "./fork-error.ts";
import { formatted } from "./stack-document.ts";

const record = z.strictObject({
  /** Version of the blueprint the base was made with. */
  blueprint: z.string().min(1),
  /** Stack the fork was made from. */
  from: z.string().min(1),
  answers: forkAnswers,
  /** What a person had to decide when it was made. */
  open: z.array(z.strictObject({ key: z.string(), what: z.string() })),
  /** The stack file as it was made, without what the client changed later. */
  base: z.string().min(1),
  /** The pipeline file as it was copied, without what the client changed later; absent where none was copied. */
  pipeline: z.string().min(1).optional(),
});

/** How a client's stack file was made; the base of every later merge. */
export type ForkRecord = z.output<typeof record>;

/** Path of a stack's record, below the root of the repository. */
export function recordPath(stack: string): string {
  return join("stacks", "clients", `${stack}.yaml`);
}

/**
 * Record of a stack, or undefined for one that nobody forked.
 * @throws ForkError when somebody damaged it
 */
export function readRecord(root: string, stack: string): ForkRecord | undefined {
  const path = recordPath(stack);
  if (!existsSync(join(root, path))) return undefined;
  let value: unknown;
  try {
    value = parse(readFileSync(join(root, path), "utf8"));
  } catch (error) {
    throw new ForkError(
      `${path}: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}; restore it from git`,
    );
  }
  const parsed = record.safeParse(value);
  if (!parsed.success) throw new ForkError(`${path}: ${z.prettifyError(parsed.error)}; restore it from git`);
  return parsed.data;
}

/** Text of a record's file. */
export async function recordText(content: ForkRecord): Promise<string> {
  const head =
    "# Written by `llmops fork`; `llmops clients upgrade` merges against it. Not edited by hand.\n";
  return formatted(head + stringify(content, { blockQuote: "literal", lineWidth: 0 }));
}
