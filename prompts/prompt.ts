import { parse as parseYaml } from "yaml";
import { z } from "zod";

/** A prompt file, a version or a variable is not what it must be; the message names file, key and fix. */
export class PromptError extends Error {
  override readonly name = "PromptError";
}

/** Types a variable may have; what a system prompt needs of Picoschema. */
const TYPES = ["string", "number", "integer", "boolean"] as const;

/** A value a variable may get. */
export type VariableValue = string | number | boolean;

/** One variable of a prompt. */
export interface Variable {
  readonly name: string;
  readonly need: "required" | "optional";
  readonly type: (typeof TYPES)[number] | { readonly enum: readonly VariableValue[] };
}

/** A version of a prompt. */
export interface Prompt {
  readonly name: string;
  readonly version: string;
  /** Path below the prompts folder. */
  readonly file: string;
  readonly description: string;
  /** Model it was written for. */
  readonly model: string;
  readonly settings: { readonly temperature?: number; readonly topP?: number };
  readonly variables: readonly Variable[];
  readonly defaults: Readonly<Record<string, VariableValue>>;
  /** Handlebars text of the system message. */
  readonly template: string;
}

const variableValue = z.union([z.string(), z.number(), z.boolean()]);

const frontMatter = z.strictObject({
  description: z.string().min(1, "say in a sentence what it is for"),
  model: z.string().min(1),
  config: z
    .strictObject({
      temperature: z.number().min(0).max(2).optional(),
      topP: z.number().gt(0).max(1).optional(),
    })
    .default({}),
  input: z.strictObject({
    schema: z.record(z.string(), z.union([z.string(), z.array(variableValue).min(1)])),
    default: z.record(z.string(), variableValue).default({}),
  }),
});

/** `name`, `name?`, `name(enum)` or `name?(enum)`, each perhaps with a description. */
const KEY = /^(?<name>[A-Za-z_]\w*)(?<optional>\?)?(?<list>\(enum(?:,[^)]*)?\))?$/;

function variable(file: string, key: string, form: string | readonly VariableValue[]): Variable {
  const groups = KEY.exec(key)?.groups;
  const fail = (reason: string): never => {
    throw new PromptError(`${file}: input.schema.${key}: ${reason}`);
  };
  if (groups === undefined) return fail("write name, name? or name(enum)");
  const { name = "", optional, list } = groups;
  const need = optional === undefined ? "required" : "optional";
  if (typeof form !== "string")
    return list === undefined
      ? fail("a list of values needs the form name(enum)")
      : { name, need, type: { enum: form } };
  const word = form.split(",")[0]?.trim() ?? "";
  const type = TYPES.find((each) => each === word);
  if (list !== undefined || type === undefined)
    return fail(`'${form}' is no type; use one of ${TYPES.join(", ")}, or name(enum) with a list of values`);
  return { name, need, type };
}

/** Front matter and template of a dotprompt file. */
const FILE = /^---\r?\n(?<head>[\s\S]*?)\r?\n---\r?\n(?<template>[\s\S]*)$/;

/**
 * Reads a dotprompt file.
 * @see https://google.github.io/dotprompt/reference/frontmatter/
 * @param file path below the prompts folder: `<name>/<version>.prompt`
 * @throws PromptError naming file and key
 */
export function parsePrompt(file: string, source: string): Prompt {
  const [, name, version] = /^([a-z0-9-]{1,40})\/(\d{1,6})\.prompt$/.exec(file) ?? [];
  if (name === undefined || version === undefined)
    throw new PromptError(`${file}: name it <prompt>/<number>.prompt, in lower-case letters, digits and '-'`);
  const groups = FILE.exec(source)?.groups;
  if (groups === undefined)
    throw new PromptError(`${file}: it must begin with front matter between two lines of ---`);
  let head: unknown;
  try {
    head = parseYaml(groups["head"] ?? "", { uniqueKeys: true });
  } catch (error) {
    throw new PromptError(`${file}: front matter: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = frontMatter.safeParse(head);
  if (!parsed.success)
    throw new PromptError(
      parsed.error.issues
        .map(({ path, message }) => `${file}: ${z.core.toDotPath(path) || "front matter"}: ${message}`)
        .join("\n"),
    );
  const { description, model, config, input } = parsed.data;
  return {
    name,
    version,
    file,
    description,
    model,
    settings: {
      ...(config.temperature === undefined ? {} : { temperature: config.temperature }),
      ...(config.topP === undefined ? {} : { topP: config.topP }),
    },
    variables: Object.entries(input.schema).map(([key, form]) => variable(file, key, form)),
    defaults: input.default,
    template: (groups["template"] ?? "").replaceAll("\r\n", "\n").trim(),
  };
}
