import type { GatewayConfigInput } from "../gateway/src/config/schema.ts";
import { promptHash } from "./hash.ts";
import { promptAt } from "./library.ts";
import type { VariableValue } from "./prompt.ts";
import { render } from "./template.ts";

/** A version of a prompt with its share of the traffic. */
export interface PromptVariant {
  readonly prompt: string;
  readonly version: string;
  /** Share of the traffic, relative to the others. */
  readonly weight: number;
  readonly variables: Readonly<Record<string, VariableValue>>;
}

/** A prompt in the gateway's configuration. */
export type GatewayPrompt = NonNullable<GatewayConfigInput["models"][number]["prompts"]>[number];

/** Hash of a variant; what its evaluation report is about. @throws PromptError when there is no such version */
export function variantHash(
  { prompt, version, variables }: PromptVariant,
  folder?: string,
): `sha256:${string}` {
  return promptHash(promptAt(prompt, version, folder), variables);
}

/**
 * A variant as the gateway serves it. Every record of a call names it as `<prompt>@<version>:sha256:<hash>`.
 * @throws PromptError when there is no such version, or variables do not fit
 */
export function gatewayPrompt(variant: PromptVariant, folder?: string): GatewayPrompt {
  const prompt = promptAt(variant.prompt, variant.version, folder);
  const { temperature, topP } = prompt.settings;
  return {
    version: `${variant.prompt}@${variant.version}:${promptHash(prompt, variant.variables)}`,
    weight: variant.weight,
    system: render(prompt, variant.variables),
    settings: {
      ...(temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { top_p: topP }),
    },
  };
}
