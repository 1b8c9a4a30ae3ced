import { createHash } from "node:crypto";
import type { Evaluated } from "../evals/report.ts";
import { canonicalJson, guardrailVersion } from "../gateway/src/index.ts";
import { variantHash } from "../prompts/compile.ts";
import { guards } from "./gateway-configuration.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { servedNames } from "./schema/served-names.ts";

type Model = PlatformConfig["models"][number];

/** One thing traffic may reach only with a signed evaluation: a model under a name, with a prompt, behind guardrails. */
export interface Promotion {
  /** Name clients use. */
  readonly model: string;
  /** `<prompt>@<version>`, or null without a versioned prompt. */
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
 * Everything of an environment that needs an evaluation: each served name with each of its prompts.
 * @throws PromptError when a prompt is not there
 */
export function promotions(config: PlatformConfig): Promotion[] {
  const guardrails = guardrailVersion(guards(config));
  return config.models.flatMap((model) =>
    servedNames(model).flatMap((served): Promotion[] => {
      const evaluated = { model: digestOf(model, served), guardrails };
      const variants = model.prompts?.variants ?? [];
      return variants.length === 0
        ? [{ model: served, prompt: null, evaluated: { ...evaluated, prompt: "none" } }]
        : variants.map((variant) => ({
            model: served,
            prompt: `${variant.prompt}@${variant.version}`,
            evaluated: { ...evaluated, prompt: variantHash(variant) },
          }));
    }),
  );
}
