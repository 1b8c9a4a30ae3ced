import { Command } from "commander";
import { stringify } from "yaml";
import { readDataSets } from "../evals/data-sets.ts";
import { promptfooConfig } from "../evals/promptfoo/export.ts";
import { promotions } from "../stacks/promotions.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { print, STACKS_FOLDER } from "./context.ts";
import { whole } from "./eval-options.ts";
import { writeFile } from "./files.ts";

interface PromptfooOptions {
  readonly stack: string;
  readonly url: string;
  readonly model: string;
  readonly suite?: readonly string[];
  readonly maxTokens: number;
  readonly out: string;
}

function promptfoo({ stack, url, model, suite, maxTokens, out }: PromptfooOptions): void {
  const platform = readStack(STACKS_FOLDER, stack);
  const { cases, digest } = readDataSets(suite, platform.evaluation.dataSets);
  const served = promotions(platform).find((each) => each.model === model);
  const { config, left } = promptfooConfig(cases, {
    url,
    model,
    maxTokens,
    evaluated: { ...served?.evaluated, dataSets: digest },
  });
  writeFile(out, stringify(config));
  const suites = [...new Set(left.map((each) => each.suite))];
  print(`${config.tests.length} cases; ${left.length} are left, which only \`llmops eval\` grades`);
  if (suites.length > 0) print(`left in ${suites.join(", ")}`);
}

/** `llmops eval export`: the suites in the form of another runner. */
export function exportSuitesCommand(): Command {
  const command = new Command("export").description("the suites in the form of another runner");
  command
    .command("promptfoo")
    .description(
      "write a promptfooconfig.yaml that asks through the gateway; the key comes from LLMOPS_API_KEY",
    )
    .requiredOption("--url <url>", "gateway")
    .requiredOption("--model <name>", "model to ask")
    .requiredOption("--out <file>", "configuration of promptfoo")
    .option(
      "-s, --stack <stack>",
      "environment that is asked; its results can be read back where it serves the model",
      "local",
    )
    .option("--suite <suites...>", "only these data sets (default: all that rules decide)")
    .option("--max-tokens <count>", "longest answer", whole, 256)
    .action(promptfoo);
  return command;
}
