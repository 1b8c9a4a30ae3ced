import { parse } from "yaml";
import { CONFIG_KEY, ConfigError, parseStackText } from "../stacks/schema/stack-file.ts";
import { differences, type Difference } from "./differences.ts";
import type { FileToWrite } from "./files.ts";
import { generateStack, type GeneratedStack } from "./generate/stack-file.ts";
import { mergeStacks, type Choices, type Conflict } from "./merge.ts";
import { migrationNote } from "./migration-note.ts";
import { promptCopies } from "./prompt-files.ts";
import { recordPath, recordText } from "./record.ts";
import { stackPath, templateOf, type ClientStack, type ForkedStack } from "./repository.ts";
import { StackDocument } from "./stack-document.ts";

/** What became of one stack. */
export type Upgrade =
  | { readonly kind: "current"; readonly stack: string }
  | {
      readonly kind: "merged";
      readonly stack: string;
      readonly files: readonly FileToWrite[];
      /** What changes in the client's file. */
      readonly changes: readonly Difference[];
      /** What the client has that the template does not give. */
      readonly own: readonly Difference[];
    }
  | { readonly kind: "conflicts"; readonly stack: string; readonly conflicts: readonly Conflict[] }
  | { readonly kind: "invalid"; readonly stack: string; readonly problems: string };

/** What stands below `llmops:platform` in the text of a stack file. */
export function platformIn(text: string): unknown {
  const content = parse(text) as { readonly config?: Readonly<Record<string, unknown>> } | null;
  return content?.config?.[CONFIG_KEY];
}

/** The fork of today's template, with the answers of the record. @throws UnknownStackError when the template is gone */
export function freshFork(
  root: string,
  stacks: readonly ClientStack[],
  { record }: ForkedStack,
): Promise<GeneratedStack> {
  return generateStack(templateOf(root, stacks, record.from), record.answers);
}

/** The text with the template's prompts where the client's copies are not written yet. */
async function withTemplatePrompts(text: string, file: string, { prompts }: GeneratedStack): Promise<string> {
  const document = new StackDocument(text, file);
  for (const model of document.indexes(["models"]))
    for (const variant of document.indexes(["models", model, "prompts", "variants"])) {
      const key = ["models", model, "prompts", "variants", variant, "prompt"];
      const copy = prompts.find(({ to }) => to === document.value(key));
      if (copy !== undefined) document.set(key, copy.from);
    }
  return document.render();
}

/**
 * Merges today's template into a forked stack, and writes nothing.
 * @param blueprint version of the blueprint, for the record
 * @throws ForkError, UnknownStackError when template, record and file do not fit
 */
export async function upgradeOf(
  root: string,
  stacks: readonly ClientStack[],
  fork: ForkedStack,
  choices: Choices,
  blueprint: string,
): Promise<Upgrade> {
  const { stack, record } = fork;
  const fresh = await freshFork(root, stacks, fork);
  if (fresh.text === record.base) return { kind: "current", stack };
  const { text, conflicts } = await mergeStacks(
    { base: record.base, client: fork.text, template: fresh.text },
    choices,
    stackPath(stack),
  );
  if (conflicts.length > 0) return { kind: "conflicts", stack, conflicts };
  try {
    parseStackText(await withTemplatePrompts(text, stackPath(stack), fresh), stackPath(stack));
  } catch (error) {
    if (error instanceof ConfigError) return { kind: "invalid", stack, problems: error.message };
    throw error;
  }
  const changes = differences(platformIn(fork.text), platformIn(text));
  const own = differences(platformIn(fresh.text), platformIn(text));
  const prompts = promptCopies(root, fresh.prompts);
  const note = migrationNote({
    stack,
    template: record.from,
    from: record.blueprint,
    to: blueprint,
    changes,
    own,
    chosen: choices,
    prompts: prompts.map(({ path }) => path).filter((path) => path.endsWith(".prompt")),
    open: fresh.decisions.filter(
      ({ key, what }) => !record.open.some((old) => old.key === key && old.what === what),
    ),
  });
  return {
    kind: "merged",
    stack,
    changes,
    own,
    files: [
      ...prompts,
      { path: notePath(stack), text: note, mode: "replace" },
      {
        path: recordPath(stack),
        text: await recordText({ ...record, blueprint, open: [...fresh.decisions], base: fresh.text }),
        mode: "replace",
      },
      { path: stackPath(stack), text, mode: "replace" },
    ],
  };
}

/** Path of the note about a stack's last upgrade. */
export function notePath(stack: string): string {
  return recordPath(stack).replace(/\.yaml$/, ".upgrade.md");
}
