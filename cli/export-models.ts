import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { exportToKServe } from "../plan/targets/kserve.ts";
import { exportToLlmD } from "../plan/targets/llm-d.ts";
import { documentsText, leftOut, type ModelExport } from "../plan/targets/model-export.ts";
import { plannedModel, type PlannedModel } from "../plan/targets/planned-model.ts";
import { exportToTrueFoundry } from "../plan/targets/truefoundry.ts";
import { planStack } from "../plan/stack-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { writeFile } from "./files.ts";

interface ExportOptions {
  readonly stack: string;
  readonly out?: string;
  readonly json?: true;
}

/** True of every target: only models move. */
const STAYS =
  "gateway, guards, audit log, budgets and evaluations are not exported: a call that reaches a model another way is neither guarded nor recorded";

async function run(
  { stack, out, json }: ExportOptions,
  exportModel: (model: PlannedModel) => ModelExport,
): Promise<void> {
  const config = readStack(STACKS_FOLDER, stack);
  const { graph } = (await planStack(stack, config)).plan;
  const exports = config.models.map((model) => {
    const planned = plannedModel(graph, config, model);
    return {
      model: model.name,
      ...(planned === undefined
        ? leftOut(`a replica is ${model.gpu.nodes} pods, and the target runs it as one`)
        : exportModel(planned)),
    };
  });
  const files = exports.flatMap((each) => each.files);
  const commands = [...new Set(exports.flatMap((each) => each.commands))];
  const lost = [STAYS, ...exports.flatMap((each) => each.lost.map((what) => `${each.model}: ${what}`))];
  if (out !== undefined)
    for (const { name, documents } of files) writeFile(join(out, name), documentsText(documents));
  if (json === true) printJson({ files, commands, lost });
  else if (out === undefined)
    for (const { name, documents } of files) print(`# ${name}\n${documentsText(documents)}`.trimEnd());
  for (const command of commands) progress(`next: ${command}`);
  for (const what of lost) progress(`note: ${what}`);
}

function modelsCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption("-s, --stack <stack>", "stack to export")
    .option("--out <folder>", "write the files there (default: print them)")
    .option("--json", "print JSON");
}

/** `llmops export kserve`: models for a cluster that runs KServe. */
export function exportKServeCommand(): Command {
  return modelsCommand(
    "kserve",
    "every model as a KServe InferenceService with its own ScaledObject, for clusters that run KServe",
  ).action((options: ExportOptions) => run(options, exportToKServe));
}

/** `llmops export llm-d`: models behind llm-d's router. */
export function exportLlmDCommand(): Command {
  return modelsCommand(
    "llm-d",
    "every model behind llm-d's router: values of its chart, and the objects that go with them",
  ).action((options: ExportOptions) => run(options, exportToLlmD));
}

/** @throws InvalidArgumentError for what cannot be the first part of a workspace's name */
function clusterId(value: string): string {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value))
    throw new InvalidArgumentError(
      `'${value}' is no cluster id; TrueFoundry shows it on the page of the cluster`,
    );
  return value;
}

/** `llmops export truefoundry`: models as services of TrueFoundry. */
export function exportTrueFoundryCommand(): Command {
  return modelsCommand("truefoundry", "every model as a service of TrueFoundry, for `tfy apply`")
    .requiredOption(
      "--cluster <id>",
      "id of the cluster in TrueFoundry; each tenant is a workspace of it",
      clusterId,
    )
    .action((options: ExportOptions & { readonly cluster: string }) =>
      run(options, (model) => exportToTrueFoundry(model, options.cluster)),
    );
}
