import { readFileSync } from "node:fs";
import { join } from "node:path";
import { forkAnswers, stackOf, type ForkAnswers } from "./answers.ts";
import type { Decision } from "./decision.ts";
import type { FileToWrite } from "./files.ts";
import { ForkError } from "./fork-error.ts";
import { generateStack, type Template } from "./generate/stack-file.ts";
import { pipelineText } from "./pipeline-file.ts";
import { promptCopies } from "./prompt-files.ts";
import { recordPath, recordText } from "./record.ts";
import { checkRegion } from "./regions.ts";
import { filesIn, stackPath, type ClientStack } from "./repository.ts";

/** What a fork would write. */
export interface Fork {
  readonly stack: string;
  /** The stack file. */
  readonly text: string;
  /** The stack file with the template's prompts and pipeline file, whose text is the same: it can be planned before anything is written. */
  readonly planText: string;
  readonly files: readonly FileToWrite[];
  readonly decisions: readonly Decision[];
}

/**
 * Refuses a name that is taken: a stack that is there, or a client that is there and is not the template's own.
 * @throws ForkError
 */
export function checkName(
  stacks: readonly ClientStack[],
  template: Template,
  answers: Pick<ForkAnswers, "client" | "environment">,
): void {
  const stack = stackOf(answers);
  if (stacks.some((each) => each.stack === stack))
    throw new ForkError(
      `stack '${stack}' exists already (${stackPath(stack)}); choose another client or --env`,
    );
  const own = stacks.filter(({ config }) => config.client === answers.client).map((each) => each.stack);
  if (own.length > 0 && !own.includes(template.stack))
    throw new ForkError(
      `client '${answers.client}' exists already (${own.join(", ")}); choose another name, or fork one of these for a further environment`,
    );
}

/** The client's own data sets: a copy of the template's, unless it has some already. */
function dataSets(root: string, template: Template, client: string): FileToWrite[] {
  const folder = join("evals", "clients", client);
  if (filesIn(root, folder).length > 0) return [];
  const from = template.config.evaluation.dataSets;
  const names = filesIn(root, from);
  if (names.length === 0)
    throw new ForkError(
      `${from} has no data sets to copy for the client; set evaluation.dataSets of ${template.stack}`,
    );
  return names.map((name) => ({
    path: join(folder, name),
    text: readFileSync(join(root, from, name), "utf8"),
    mode: "new",
  }));
}

/**
 * Works out everything a fork consists of, and writes nothing.
 * @param root root of the repository
 * @param stacks every stack of the repository
 * @param blueprint version of the blueprint, for the record
 * @throws ForkError, ConfigError, PromptError when template, answers and repository do not fit
 */
export async function makeFork(
  root: string,
  stacks: readonly ClientStack[],
  template: Template,
  given: ForkAnswers,
  blueprint: string,
): Promise<Fork> {
  const answers = forkAnswers.parse(given);
  const stack = stackOf(answers);
  checkName(stacks, template, answers);
  checkRegion(answers.cloud, answers.region);
  const { text, decisions, prompts, pipeline } = await generateStack(template, answers);
  const { text: planText } = await generateStack(template, answers, "template");
  const copy = pipeline === undefined ? undefined : { ...pipeline, text: pipelineText(root, pipeline.from) };
  const record = await recordText({
    blueprint,
    from: template.stack,
    answers,
    open: [...decisions],
    base: text,
    pipeline: copy?.text,
  });
  return {
    stack,
    text,
    planText,
    decisions,
    files: [
      ...dataSets(root, template, answers.client),
      ...promptCopies(root, prompts),
      ...(copy === undefined ? [] : [{ path: copy.to, text: copy.text, mode: "new" } as const]),
      { path: recordPath(stack), text: record, mode: "new" },
      // Last, because a stack file is what makes a stack.
      { path: stackPath(stack), text, mode: "new" },
    ],
  };
}
