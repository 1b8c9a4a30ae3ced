import { z } from "zod";
import { piiDetector } from "../gateway/src/guards/pii.ts";
import { secretsDetector } from "../gateway/src/guards/secrets.ts";
import { promptHash } from "./hash.ts";
import type { PromptFiles } from "./library.ts";
import { parsePrompt, PromptError, type Prompt } from "./prompt.ts";
import { templateNames, variableFaults } from "./template.ts";

/** Something wrong with a prompt. */
export interface PromptFinding {
  readonly file: string;
  readonly rule: "format" | "variables" | "content" | "length" | "changelog" | "immutable";
  readonly message: string;
}

/** File that holds the hash of every version ever released. */
export const LOCK_FILE = "prompts.lock.json";

/** Longest system prompt, characters: about 2000 tokens that every request pays for. */
const MAX_LENGTH = 8_000;

const lockSchema = z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/));

/** Hashes by file. */
export type PromptLock = z.output<typeof lockSchema>;

/**
 * Reads the lock; a missing file locks nothing.
 * @throws PromptError when it is malformed
 */
export function lockOf(files: PromptFiles): PromptLock {
  let value: unknown;
  try {
    value = JSON.parse(files.get(LOCK_FILE) ?? "{}");
  } catch {
    throw new PromptError(`${LOCK_FILE}: this is not JSON`);
  }
  const parsed = lockSchema.safeParse(value);
  if (!parsed.success) throw new PromptError(`${LOCK_FILE}: it maps files to sha256:<64 hex digits>`);
  return parsed.data;
}

function variableFindings(prompt: Prompt): PromptFinding[] {
  const found = (message: string): PromptFinding => ({ file: prompt.file, rule: "variables", message });
  const { variables, foreign } = templateNames(prompt);
  const declared = prompt.variables.map(({ name }) => name);
  const optional = { ...prompt, variables: prompt.variables.filter(({ name }) => name in prompt.defaults) };
  return [
    ...foreign.map((what) =>
      found(`${what} is not for a system prompt: it has variables, {{#if}} and {{#unless}} only`),
    ),
    ...variables
      .filter((name) => !declared.includes(name))
      .map((name) => found(`the template uses '${name}', which input.schema does not declare`)),
    ...declared
      .filter((name) => !variables.includes(name))
      .map((name) => found(`input.schema declares '${name}', which the template does not use`)),
    ...Object.keys(prompt.defaults)
      .filter((name) => !declared.includes(name))
      .map((name) => found(`input.default has '${name}', which input.schema does not declare`)),
    ...variableFaults(optional, {}).map((fault) => found(`input.default: ${fault}`)),
  ];
}

function contentFindings({ file, template, description, defaults }: Prompt): PromptFinding[] {
  const text = [template, description, ...Object.values(defaults).map(String)].join("\n");
  const kinds = [secretsDetector, piiDetector].flatMap((detector) =>
    detector.find(text).map(({ kind }) => `${detector.name}: ${kind}`),
  );
  return [...new Set(kinds)].map((kind) => ({
    file,
    rule: "content",
    message: `it contains ${kind}; a prompt is read by everyone who reads the repository`,
  }));
}

function lint(files: PromptFiles, lock: PromptLock, file: string, source: string): PromptFinding[] {
  let prompt: Prompt;
  let variables: PromptFinding[];
  try {
    prompt = parsePrompt(file, source);
    variables = variableFindings(prompt);
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    return error.message
      .split("\n")
      .map((message) => ({ file, rule: "format", message: message.replace(`${file}: `, "") }));
  }
  const { name, version, template } = prompt;
  const changelog = files.get(`${name}/CHANGELOG.md`) ?? "";
  const hash = promptHash(prompt);
  const locked = lock[file];
  return [
    ...variables,
    ...contentFindings(prompt),
    ...(template === "" ? [{ file, rule: "length", message: "the template is empty" } as const] : []),
    ...(template.length <= MAX_LENGTH
      ? []
      : [
          {
            file,
            rule: "length",
            message: `${template.length} characters; every request pays for them, so at most ${MAX_LENGTH}`,
          } as const,
        ]),
    ...(new RegExp(`^## ${version}$`, "m").test(changelog)
      ? []
      : [
          {
            file,
            rule: "changelog",
            message: `${name}/CHANGELOG.md has no section '## ${version}'`,
          } as const,
        ]),
    ...(locked === hash
      ? []
      : [
          {
            file,
            rule: "immutable",
            message:
              locked === undefined
                ? `${LOCK_FILE} does not have it; run \`llmops prompt hash --write\``
                : `its content changed after its release (${locked} is now ${hash}): make a new version`,
          } as const,
        ]),
  ];
}

/**
 * Everything wrong with the prompts of a folder.
 * @throws PromptError when the lock file is malformed
 */
export function lintPrompts(files: PromptFiles): PromptFinding[] {
  const lock = lockOf(files);
  const sources = [...files].filter(([path]) => path.endsWith(".prompt"));
  const gone = Object.keys(lock).filter((file) => !files.has(file));
  return [
    ...sources.flatMap(([file, source]) => lint(files, lock, file, source)),
    ...gone.map((file): PromptFinding => ({
      file,
      rule: "immutable",
      message: "a released version is missing; records and reports refer to it: restore it",
    })),
  ];
}
