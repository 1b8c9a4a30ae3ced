import { evaluatedSchema, type Evaluated } from "../evals/report.ts";
import { surroundingHashes } from "../policies/controls/served.ts";
import { answersOf } from "./answers.ts";
import { guards, ownModels } from "./gateway-configuration.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** One thing traffic may reach only with a signed evaluation: a model under a name, with its prompts, behind guardrails. */
export interface Promotion {
  /** Name clients use. */
  readonly model: string;
  /** `<prompt>@<version>` of every variant, or null without a versioned prompt. */
  readonly prompt: string | null;
  readonly evaluated: Omit<Evaluated, "dataSets">;
}

/**
 * Everything of an environment that needs an evaluation: each served name, with the hashes that the delivery asks for.
 * @throws PromptError when a prompt is not there
 */
export function promotions(config: PlatformConfig): Promotion[] {
  // The file of the gateway is plain data; what is hashed is what the cluster gets.
  const configuration = JSON.parse(
    JSON.stringify({ models: ownModels(config), guards: guards(config) }),
  ) as Parameters<typeof surroundingHashes>[0];
  return config.models.flatMap((model) => {
    const variants = (model.prompts?.variants ?? []).map(({ prompt, version }) => `${prompt}@${version}`);
    return answersOf(model).map(({ name, weights }): Promotion => {
      const { prompt, guardrails } = surroundingHashes(configuration, name);
      return {
        model: name,
        prompt: variants.length === 0 ? null : variants.join(", "),
        evaluated: evaluatedSchema.omit({ dataSets: true }).parse({ model: weights, prompt, guardrails }),
      };
    });
  });
}
