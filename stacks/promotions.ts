import { createHash } from "node:crypto";
import { evaluatedSchema, type Evaluated } from "../evals/report.ts";
import { canonicalJson } from "../gateway/src/index.ts";
import { surroundingHashes } from "../policies/controls/served.ts";
import { guards, ownModels } from "./gateway-configuration.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { servedNames } from "./schema/served-names.ts";

type Model = PlatformConfig["models"][number];

/** One thing traffic may reach only with a signed evaluation: a model under a name, with its prompts, behind guardrails. */
export interface Promotion {
  /** Name clients use. */
  readonly model: string;
  /** `<prompt>@<version>` of every variant, or null without a versioned prompt. */
  readonly prompt: string | null;
  readonly evaluated: Omit<Evaluated, "dataSets">;
}

function sourceDigest({ source }: Model): Evaluated["model"] {
  return source.kind === "hub" ? `gitCommit:${source.revision}` : source.digest;
}

/** Digest of what answers under a name: the weights, or weights and adapter together. */
function digestOf(model: Model, served: string): Evaluated["model"] {
  const adapters = model.engine.kind === "vllm" ? (model.engine.adapters ?? []) : [];
  const adapter = adapters.find(({ name }) => name === served);
  if (adapter === undefined) return sourceDigest(model);
  const both = canonicalJson({ base: sourceDigest(model), adapter: adapter.digest });
  return `sha256:${createHash("sha256").update(both).digest("hex")}`;
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
    return servedNames(model).map((served): Promotion => {
      const { prompt, guardrails } = surroundingHashes(configuration, served);
      return {
        model: served,
        prompt: variants.length === 0 ? null : variants.join(", "),
        evaluated: evaluatedSchema
          .omit({ dataSets: true })
          .parse({ model: digestOf(model, served), prompt, guardrails }),
      };
    });
  });
}
