import { parse } from "yaml";
import { valueAt } from "../stacks/schema/problem.ts";
import { CONFIG_KEY, ConfigError, parseStackText } from "../stacks/schema/stack-file.ts";
import { differences, type Difference } from "./differences.ts";
import type { FileToWrite } from "./files.ts";
import type { PromptCopy } from "./generate/prompts.ts";
import { generateStack, type GeneratedStack } from "./generate/stack-file.ts";
import { ABOVE_PLATFORM, mergeYaml, type Choices, type Conflict } from "./merge.ts";
import { migrationNote } from "./migration-note.ts";
import { isPipelineKey, pipelineText, upgradePipeline } from "./pipeline-file.ts";
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

/** Choices about keys of the stack file, or of the pipeline file. */
function choicesFor(file: "stack" | "pipeline", { keep, take }: Choices): Choices {
  const own = (key: string): boolean => isPipelineKey(key) === (file === "pipeline");
  return { keep: keep.filter(own), take: take.filter(own) };
}

/** The text with the template's prompts where the client's copies of those versions are still to be written. */
export async function withTemplatePrompts(
  text: string,
  file: string,
  prompts: readonly PromptCopy[],
): Promise<string> {
  const document = new StackDocument(text, file);
  for (const model of document.indexes(["models"]))
    for (const variant of document.indexes(["models", model, "prompts", "variants"])) {
      const at = (name: string): (string | number)[] => [
        "models",
        model,
        "prompts",
        "variants",
        variant,
        name,
      ];
      const copy = prompts.find(
        ({ to, version }) => to === document.value(at("prompt")) && version === document.value(at("version")),
      );
      if (copy !== undefined) document.set(at("prompt"), copy.from);
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
  const copied = fresh.pipeline === undefined ? undefined : pipelineText(root, fresh.pipeline.from);
  if (fresh.text === record.base && copied === record.pipeline) return { kind: "current", stack };
  const merged = await mergeYaml(
    { base: record.base, client: fork.text, template: fresh.text },
    choicesFor("stack", choices),
    stackPath(stack),
    ABOVE_PLATFORM,
  );
  const { text } = merged;
  const pipeline = await upgradePipeline(
    root,
    // A client that named another file since reads neither the copy nor what changes in it.
    valueAt(platformIn(text), ["observability", "pipeline"]) === fresh.pipeline?.to
      ? fresh.pipeline
      : undefined,
    record.pipeline,
    choicesFor("pipeline", choices),
  );
  const conflicts = [...merged.conflicts, ...pipeline.conflicts];
  if (conflicts.length > 0) return { kind: "conflicts", stack, conflicts };
  if (pipeline.problems !== undefined) return { kind: "invalid", stack, problems: pipeline.problems };
  try {
    parseStackText(await withTemplatePrompts(text, stackPath(stack), fresh.prompts), stackPath(stack));
  } catch (error) {
    if (error instanceof ConfigError) return { kind: "invalid", stack, problems: error.message };
    throw error;
  }
  const changes = [...differences(platformIn(fork.text), platformIn(text)), ...pipeline.changes];
  const own = [...differences(platformIn(fresh.text), platformIn(text)), ...pipeline.own];
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
      ...pipeline.files,
      { path: notePath(stack), text: note, mode: "replace" },
      {
        path: recordPath(stack),
        text: await recordText({
          ...record,
          blueprint,
          open: [...fresh.decisions],
          base: fresh.text,
          pipeline: copied,
        }),
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
