import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { parsePipelineText } from "../stacks/schema/pipeline-file.ts";
import { formatProblems } from "../stacks/schema/stack-file.ts";
import { differences, type Difference } from "./differences.ts";
import type { FileToWrite } from "./files.ts";
import { ForkError } from "./fork-error.ts";
import type { PipelineCopy } from "./generate/pipeline.ts";
import { mergeYaml, type Choices, type Conflict } from "./merge.ts";

/**
 * Text of a pipeline file.
 * @param fix what to do where it is not there
 * @throws ForkError when it is not there
 */
export function pipelineText(root: string, path: string, fix = "write it, or name another file"): string {
  const file = join(root, path);
  if (!existsSync(file)) throw new ForkError(`observability.pipeline: ${path} does not exist; ${fix}`);
  return readFileSync(file, "utf8");
}

/** What of a key of the pipeline file is written before it where keys of the stack file are meant as well. */
const PREFIX = "observability.pipeline:";

/** Whether a key that a person decides about is one of the pipeline file. */
export function isPipelineKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

function marked<T extends { readonly key: string }>(found: readonly T[]): T[] {
  return found.map((each) => ({ ...each, key: `${PREFIX}${each.key}` }));
}

/** What becomes of a client's own pipeline file in an upgrade. */
export interface PipelineUpgrade {
  readonly conflicts: readonly Conflict[];
  /** The file as it would be written, where it changes. */
  readonly files: readonly FileToWrite[];
  readonly changes: readonly Difference[];
  readonly own: readonly Difference[];
  /** Why the merged file would not be valid. */
  readonly problems: string | undefined;
}

const NOTHING: PipelineUpgrade = {
  conflicts: [],
  files: [],
  changes: [],
  own: [],
  problems: undefined,
};

/**
 * Merges what changed in the template's pipeline file into the client's; where there is no copy yet, makes it.
 * @param copy undefined where the client reads a file it shares, or one that nobody copied for it
 * @param base text as it was copied; undefined where nothing was
 * @throws ForkError when a file is missing or there already, or is not YAML, and for a choice about a key without a conflict
 */
export async function upgradePipeline(
  root: string,
  copy: PipelineCopy | undefined,
  base: string | undefined,
  { keep, take }: Choices,
): Promise<PipelineUpgrade> {
  const [choice] = [...keep, ...take];
  if (choice !== undefined && (copy === undefined || base === undefined))
    throw new ForkError(
      `there is no conflict at '${choice}': the client has no pipeline file that is merged`,
    );
  if (copy === undefined) return NOTHING;
  const { from, to } = copy;
  const template = pipelineText(root, from);
  if (base === undefined) return { ...NOTHING, files: [{ path: to, text: template, mode: "new" }] };
  const client = pipelineText(root, to, "move the client's own file there, so that it can be merged");
  const keys = (choices: readonly string[]): string[] => choices.map((key) => key.slice(PREFIX.length));
  const { text, conflicts } = await mergeYaml(
    { base, client, template },
    { keep: keys(keep), take: keys(take) },
    to,
  );
  const parsed = parsePipelineText(text, to);
  return {
    conflicts: marked(conflicts),
    files: text === client ? [] : [{ path: to, text, mode: "replace" }],
    changes: marked(differences(parse(client), parse(text))),
    own: marked(differences(parse(template), parse(text))),
    problems: parsed.kind === "invalid" ? formatProblems(parsed.problems) : undefined,
  };
}
