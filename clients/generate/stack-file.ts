import type { GpuCloud } from "../../components/gpu/accelerators.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import type { Decision } from "../decision.ts";
import { ForkError } from "../fork-error.ts";
import { StackDocument } from "../stack-document.ts";
import { writeCloud } from "./cloud.ts";
import { writeGpuPools } from "./gpu-pools.ts";
import { writeImages } from "./images.ts";
import { leaveBehind } from "./left-behind.ts";
import { writePeople } from "./people.ts";
import { writePipeline, type PipelineCopy } from "./pipeline.ts";
import { writePrompts, type FileNames, type PromptCopy } from "./prompts.ts";

/** The stack a fork is made from. */
export interface Template {
  readonly stack: string;
  /** Path of its file, for messages. */
  readonly file: string;
  readonly text: string;
  readonly config: PlatformConfig;
  /** Folder with its prompts. @default this repository's */
  readonly prompts?: string;
}

/** A client's stack file and what goes with it. */
export interface GeneratedStack {
  readonly text: string;
  readonly decisions: readonly Decision[];
  readonly prompts: readonly PromptCopy[];
  /** Absent where the client reads the file its template reads: the blueprint's, or its own. */
  readonly pipeline: PipelineCopy | undefined;
}

/** Lines that still speak of the template's client. */
function mentions(text: string, client: string, header: string): Decision[] {
  const word = new RegExp(`\\b${client}\\b`, "i");
  return text
    .split("\n")
    .flatMap((line, index) =>
      word.test(line) && !line.includes(header)
        ? [{ key: `line ${index + 1}`, what: `still mentions ${client}: ${line.trim()}` }]
        : [],
    );
}

/** Addresses outside of the platform that the template had and the fork still has. */
function addresses(text: string): Decision[] {
  const found = text
    .split("\n")
    .flatMap((line) => (line.trim().startsWith("#") ? [] : (line.match(/https:\/\/[^\s"',}]+/g) ?? [])));
  return [...new Set(found)].map((url) => ({ key: "address", what: `${url}: whether it is the client's` }));
}

/** What was promised for the template's client holds for another only once somebody says so. */
function copied(pipeline: PipelineCopy | undefined): Decision[] {
  return pipeline === undefined
    ? []
    : [
        {
          key: "observability.pipeline",
          what: `${pipeline.to} is a copy of ${pipeline.from}: whether its objectives, limits and alerts are the client's`,
        },
      ];
}

/** Where a template runs. @throws ForkError when it runs on no cloud a fork can be made for */
export function cloudOf({
  config,
  stack,
}: Template): Extract<PlatformConfig["cloud"], { provider: GpuCloud }> {
  const { cloud } = config;
  if (cloud.provider === "aws" || cloud.provider === "gcp") return cloud;
  throw new ForkError(
    `${stack} runs on provider '${cloud.provider}': a fork needs a stack on aws or gcp, because accounts, networks and names are made from it`,
  );
}

/**
 * Makes a client's stack file from a template: the same keys, comments and order, with everything that is the client's own in
 * place and everything that is another's left out. The same template and answers always make the same text.
 * @throws ForkError, ConfigError when template and answers do not fit
 */
export async function generateStack(
  template: Template,
  answers: ForkAnswers,
  names: FileNames = "own",
): Promise<GeneratedStack> {
  const { config } = template;
  const cloud = cloudOf(template);
  const document = new StackDocument(template.text, template.file);
  const decisions = [
    ...writePeople(document, config, answers),
    ...writeCloud(document, cloud, answers),
    ...writeGpuPools(document, config, cloud, answers),
    ...writeImages(document, config, answers),
    ...leaveBehind(document, config, answers),
  ];
  const prompts = writePrompts(document, config, answers, names, template.prompts);
  const pipeline = writePipeline(document, config, answers, names);
  const header = `forked from ${template.stack}`;
  document.describe([
    `${answers.displayName}, ${answers.environment}: ${header}; \`llmops clients upgrade\` merges what changes there.`,
  ]);
  const text = await document.render();
  const strange = config.client === answers.client ? [] : mentions(text, config.client, header);
  return {
    text,
    decisions: [...decisions, ...copied(pipeline), ...addresses(text), ...strange],
    prompts,
    pipeline,
  };
}
