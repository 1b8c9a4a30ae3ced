import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { readDataSets } from "../evals/data-sets.ts";
import { maxTokensOf, promptfooLines, readPromptfooResults } from "../evals/promptfoo/import.ts";
import { Journal, keyOf, readRun } from "../evals/run/journal.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { print, printJson, STACKS_FOLDER } from "./context.ts";
import { promotionOf } from "./eval-promotion.ts";
import { jsonOf } from "./files.ts";

interface ImportOptions {
  readonly stack: string;
  readonly model: string;
  readonly suite?: readonly string[];
  readonly out: string;
  readonly json?: true;
}

function promptfoo(file: string, { stack, model, suite, out, json }: ImportOptions): void {
  const config = readStack(STACKS_FOLDER, stack);
  const { cases, digest } = readDataSets(suite, config.evaluation.dataSets);
  const results = readPromptfooResults(file, jsonOf(file));
  const head = {
    schema: "llmops.evaluation-run/v1",
    run: randomUUID(),
    stack,
    environment: config.environment,
    model,
    evaluated: { ...promotionOf(stack, config, model).evaluated, dataSets: digest },
    engine: "model",
    maxTokens: maxTokensOf(results),
    repeats: 1,
    cases: cases.length,
    startedAt: results.results.timestamp,
  } as const;
  const lines = promptfooLines(file, results, head, cases);
  const journal = new Journal(out, head);
  for (const line of lines) if (!journal.done.has(keyOf(line))) journal.write(line);
  const answers = readRun(out).lines.length;
  if (json === true) printJson({ ...journal.head, answers, open: cases.length - answers });
  else
    print(
      `${answers} answers in ${out}; ${cases.length - answers} of ${cases.length} cases are open: \`llmops eval run --out ${out} --max-tokens ${head.maxTokens}\` asks them`,
    );
}

/** `llmops eval import`: answers that another runner collected, as a run of our own. */
export function importResultsCommand(): Command {
  const command = new Command("import").description(
    "answers that another runner collected, as a run of our own",
  );
  command
    .command("promptfoo")
    .description("read what `promptfoo eval -o <file>` wrote; our graders must share every verdict")
    .argument("<file>", "results, JSON")
    .requiredOption("--out <folder>", "folder of the run; what is open `llmops eval run` asks")
    .requiredOption("-s, --stack <stack>", "environment that was asked")
    .requiredOption("--model <name>", "model that was asked")
    .option("--suite <suites...>", "the data sets that were exported (default: all that rules decide)")
    .option("--json", "print JSON")
    .action(promptfoo);
  return command;
}
