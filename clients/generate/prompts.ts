import { gatewayPrompt } from "../../prompts/compile.ts";
import { surroundingHashes } from "../../policies/controls/served.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import { ForkError } from "../fork-error.ts";
import type { StackDocument } from "../stack-document.ts";

/** A version of a prompt that the client gets as its own. */
export interface PromptCopy {
  /** Folder of the template's prompt, below `prompts/`. */
  readonly from: string;
  /** Folder of the client's. */
  readonly to: string;
  readonly version: string;
}

/** Longest name of a prompt, characters: `dnsName` of the schema. */
const MAX_NAME = 40;

/** The client's name for a prompt of the template. */
function ownName(prompt: string, template: string, client: string): string {
  const bare = prompt.startsWith(`${template}-`) ? prompt.slice(template.length + 1) : prompt;
  const name = `${client}-${bare}`;
  if (name.length > MAX_NAME)
    throw new ForkError(
      `prompts/${name} has ${name.length} characters, at most ${MAX_NAME} fit: choose a shorter client name, or shorten the name of prompts/${prompt}`,
    );
  return name;
}

/** Whose names a stack file uses for prompts and for the pipeline file. */
export type FileNames = "own" | "template";

function variablesOf(
  variables: Readonly<Record<string, string | number | boolean>>,
  template: string,
  displayName: string,
): [string, string][] {
  return Object.entries(variables).flatMap(([name, value]) =>
    typeof value === "string" && value.toLowerCase() === template
      ? [[name, displayName] as [string, string]]
      : [],
  );
}

/**
 * Gives the client prompts of its own with the same text, puts its name where the template's client was named, and writes the
 * hash that the delivery gate expects then.
 * @param names `template` keeps the names, for a plan before the copies are there
 */
export function writePrompts(
  document: StackDocument,
  template: PlatformConfig,
  { client, displayName }: ForkAnswers,
  names: FileNames,
  folder?: string,
): PromptCopy[] {
  return template.models.flatMap((model, index): PromptCopy[] => {
    if (model.prompts === undefined) return [];
    const variants = model.prompts.variants.map((variant, at) => {
      const key = ["models", index, "prompts", "variants", at] as const;
      const renamed = variablesOf(variant.variables, template.client, displayName);
      for (const [name, value] of renamed) document.set([...key, "variables", name], value);
      const to = ownName(variant.prompt, template.client, client);
      if (names === "own") document.set([...key, "prompt"], to);
      const compiled = gatewayPrompt(
        { ...variant, variables: { ...variant.variables, ...Object.fromEntries(renamed) } },
        folder,
      );
      const shown = names === "own" ? to : variant.prompt;
      return {
        copy: { from: variant.prompt, to, version: variant.version },
        compiled: { ...compiled, version: compiled.version.replace(`${variant.prompt}@`, `${shown}@`) },
      };
    });
    // The gateway's file is plain data; what is hashed is what the cluster gets.
    const entry = { name: model.name, prompts: variants.map(({ compiled }) => compiled) };
    const configuration = JSON.parse(JSON.stringify({ models: [entry], guards: {} })) as Parameters<
      typeof surroundingHashes
    >[0];
    document.replace(
      ["models", index, "delivery", "evaluation", "prompt"],
      surroundingHashes(configuration, model.name).prompt,
    );
    return variants.map(({ copy }) => copy);
  });
}
