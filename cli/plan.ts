import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Table from "cli-table3";
import { Command } from "commander";
import { capture } from "../plan/capture.ts";
import { planOf, resourceCount, typeCounts, type Plan } from "../plan/plan.ts";
import { platformProgram } from "../stacks/program.ts";
import { NOT_DEPLOYED } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER, print, printJson, progress } from "./context.ts";

interface PlanOptions {
  readonly stack: string;
  readonly json?: true;
  readonly out?: string;
}

function table(plan: Plan): string {
  const rows = new Table({ head: ["component", "type", "resources"], style: { head: [], border: [] } });
  for (const { name, type, resources } of plan.components)
    rows.push([
      name,
      type,
      typeCounts(resources)
        .map(([token, count]) => `${count} x ${token}`)
        .join("\n"),
    ]);
  return rows.toString();
}

/** Writes a plan to a folder: manifests, graph and diagram. Manifests of an earlier plan are removed. */
export function writePlan(folder: string, plan: Plan): void {
  const manifests = join(folder, "manifests");
  rmSync(manifests, { recursive: true, force: true });
  mkdirSync(manifests, { recursive: true });
  for (const { fileName, yaml } of plan.manifests) writeFileSync(join(manifests, fileName), yaml);
  writeFileSync(join(folder, "graph.json"), `${JSON.stringify(plan.graph, null, 2)}\n`);
  writeFileSync(join(folder, "architecture.mmd"), plan.diagram);
}

async function run(options: PlanOptions): Promise<void> {
  const config = readStack(STACKS_FOLDER, options.stack);
  const graph = await capture({ stack: options.stack, program: () => platformProgram(config) });
  const plan = planOf(graph);
  if (options.out !== undefined) {
    writePlan(options.out, plan);
    progress(`wrote ${plan.manifests.length} manifests, graph.json and architecture.mmd to ${options.out}`);
  }
  if (options.json === true) {
    printJson({ ...plan, notDeployed: NOT_DEPLOYED });
    return;
  }
  print(`Plan of stack ${plan.stack}: ${resourceCount(plan)} resources, nothing deployed`);
  print(table(plan));
  print(`Kubernetes objects: ${plan.manifests.length}; Helm releases: ${plan.helmReleases.length}`);
  print(`Validated, but no component consumes it yet: ${NOT_DEPLOYED.join(", ")}`);
}

/** `llmops plan`: what a stack would create, worked out offline. */
export function planCommand(): Command {
  return new Command("plan")
    .description("show what a stack would create, without credentials, network or state")
    .requiredOption("-s, --stack <stack>", "stack to plan")
    .option("--out <folder>", "also write manifests, graph and diagram there")
    .option("--json", "print JSON")
    .action(run);
}
