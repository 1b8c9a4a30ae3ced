import { posix } from "node:path";
import { DEFAULT_PIPELINE } from "../../stacks/schema/pipeline-file.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import type { StackDocument } from "../stack-document.ts";
import type { FileNames } from "./prompts.ts";

/** A pipeline file that the client gets as its own. */
export interface PipelineCopy {
  /** Path of the template's, from the root of the repository. */
  readonly from: string;
  /** Path of the client's. */
  readonly to: string;
}

/** The client's name for a file of the template's client: its own name in place of the other's, or before it. */
function ownPath(path: string, template: string, client: string): string {
  const { dir, name, ext } = posix.parse(path);
  const bare = name.split("-").filter((word) => word !== template);
  return posix.join(dir, `${[client, ...bare].join("-")}${ext}`);
}

/**
 * Gives the client a pipeline file of its own where the template's client has one; the blueprint's file is everybody's.
 * @param names `template` keeps the path, for a plan before the copy is there
 */
export function writePipeline(
  document: StackDocument,
  { client: theirs, observability }: PlatformConfig,
  { client }: ForkAnswers,
  names: FileNames,
): PipelineCopy | undefined {
  const from = observability.pipeline;
  if (from === DEFAULT_PIPELINE || client === theirs) return undefined;
  const to = ownPath(from, theirs, client);
  if (names === "own") document.set(["observability", "pipeline"], to);
  return { from, to };
}
