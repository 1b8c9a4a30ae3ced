import { promptAt } from "../../../prompts/library.ts";
import { PromptError, type Prompt } from "../../../prompts/prompt.ts";
import { variableFaults } from "../../../prompts/template.ts";
import type { PlatformConfig } from "../platform.ts";
import { problem, type Check } from "./check.ts";
import type { ConfigProblem } from "../problem.ts";

type Variant = NonNullable<PlatformConfig["models"][number]["prompts"]>["variants"][number];

function variantProblems(path: readonly (string | number)[], variant: Variant): ConfigProblem[] {
  let prompt: Prompt;
  try {
    prompt = promptAt(variant.prompt, variant.version);
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    return [
      problem(
        [...path, "version"],
        `${variant.prompt}@${variant.version}`,
        error.message,
        "name a version that is there, or add its file below prompts/",
      ),
    ];
  }
  return variableFaults(prompt, variant.variables).map((fault) =>
    problem([...path, "variables"], variant.variables, fault, `set the variables of prompts/${prompt.file}`),
  );
}

/** Rules about prompts. */
export const promptChecks: readonly Check[] = [
  {
    needs: ["models"],
    run: ({ models }) =>
      models.flatMap(({ prompts }, index) => {
        const variants = prompts?.variants ?? [];
        const path = ["models", index, "prompts", "variants"] as const;
        const keys = variants.map((variant) =>
          JSON.stringify([variant.prompt, variant.version, variant.variables]),
        );
        return variants.flatMap((variant, at) => [
          ...variantProblems([...path, at], variant),
          ...(keys.indexOf(keys[at] ?? "") === at
            ? []
            : [
                problem(
                  [...path, at],
                  `${variant.prompt}@${variant.version}`,
                  "the same variant is there twice",
                  "give it once, with the sum of the weights",
                ),
              ]),
        ]);
      }),
  },
];
