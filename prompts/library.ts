import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePrompt, PromptError, type Prompt } from "./prompt.ts";

/** Folder of the shipped prompts. */
export const PROMPTS_FOLDER = import.meta.dirname;

/** Files of a prompts folder by their path below it, as text. */
export type PromptFiles = ReadonlyMap<string, string>;

/** Reads prompts, their changelogs and the lock file. */
export function promptFiles(folder: string = PROMPTS_FOLDER): PromptFiles {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(isPromptFile).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

/** Whether a path below the prompts folder belongs to the prompts and not to the code beside them. */
export function isPromptFile(path: string): boolean {
  return /\.prompt$|(^|\/)CHANGELOG\.md$|^prompts\.lock\.json$/.test(path);
}

/** Every prompt of the files. @throws PromptError for the first that cannot be read */
export function promptsOf(files: PromptFiles): Prompt[] {
  return [...files]
    .filter(([path]) => path.endsWith(".prompt"))
    .map(([path, text]) => parsePrompt(path, text));
}

/**
 * One version of a prompt.
 * @throws PromptError naming the versions there are
 */
export function promptAt(name: string, version: string, folder: string = PROMPTS_FOLDER): Prompt {
  const files = promptFiles(folder);
  const file = `${name}/${version}.prompt`;
  const source = files.get(file);
  if (source !== undefined) return parsePrompt(file, source);
  const there = [...files.keys()].filter((path) => path.endsWith(".prompt"));
  throw new PromptError(`there is no prompts/${file}; there is ${there.join(", ") || "no prompt at all"}`);
}
