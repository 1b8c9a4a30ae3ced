import { Command } from "commander";
import { stringify } from "yaml";
import { exportKServe, type GraphObject, type KServeExport } from "../plan/kserve-export.ts";
import { ofType, type ResourceGraph } from "../graph/graph.ts";
import { valueAt } from "../graph/values.ts";
import { planStack } from "../plan/stack-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { print, printJson, progress, STACKS_FOLDER } from "./context.ts";

type Model = PlatformConfig["models"][number];

function objectOf(graph: ResourceGraph, type: string, { name, tenant }: Model): GraphObject | undefined {
  return ofType(graph, type).find(
    ({ inputs }) =>
      valueAt(inputs, "metadata.name") === name && valueAt(inputs, "metadata.namespace") === tenant,
  )?.inputs;
}

/** A planned model for KServe, or why it cannot be written for it. */
export function exportOf(graph: ResourceGraph, model: Model): KServeExport | string {
  const deployment = objectOf(graph, "kubernetes:apps/v1:Deployment", model);
  const scaler = objectOf(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject", model);
  if (deployment === undefined || scaler === undefined)
    return `${model.name} is left out: a replica is ${model.gpu.nodes} pods, and an InferenceService has one`;
  return exportKServe({ deployment, scaler, delivery: model.delivery.strategy });
}

async function run({ stack, json }: { readonly stack: string; readonly json?: true }): Promise<void> {
  const config = readStack(STACKS_FOLDER, stack);
  const { graph } = (await planStack(stack, config)).plan;
  const models = config.models.map((model) => ({ model: model.name, exported: exportOf(graph, model) }));
  const lost = models.flatMap(({ model, exported }) =>
    typeof exported === "string" ? [exported] : exported.lost.map((what) => `${model}: ${what}`),
  );
  const objects = models.flatMap(({ exported }) =>
    typeof exported === "string" ? [] : [exported.inferenceService, exported.scaler],
  );
  if (json === true) printJson({ objects, lost });
  else for (const object of objects) print(`---\n${stringify(object, { lineWidth: 0 })}`.trimEnd());
  for (const what of lost) progress(`note: ${what}`);
}

/** `llmops export kserve`: models for a cluster that runs KServe. */
export function exportKServeCommand(): Command {
  return new Command("kserve")
    .description(
      "every model as a KServe InferenceService with its own ScaledObject, for clusters that run KServe",
    )
    .requiredOption("-s, --stack <stack>", "stack to export")
    .option("--json", "print JSON")
    .action(run);
}
