import { readFileSync } from "node:fs";
import { readDataLock } from "../evals/data-sets.ts";
import { planStack } from "../plan/stack-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import {
  chartComponents,
  dataComponents,
  imageComponents,
  modelComponents,
  toolComponents,
} from "../supply-chain/artefacts.ts";
import type { SoftwareComponent } from "../supply-chain/component.ts";
import { inventoryOf } from "../supply-chain/inventory.ts";
import { npmPackages } from "../supply-chain/npm-packages.ts";
import { GO_TOOLS } from "../tools/go-tool.ts";
import { STACKS_FOLDER } from "./context.ts";

function text(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}

/** What the repository itself is made of, whatever stack: packages, tools, data sets. */
export function repositoryComponents(): SoftwareComponent[] {
  return [
    ...npmPackages(JSON.parse(text("package-lock.json"))),
    ...toolComponents(GO_TOOLS.map((tool) => ({ ...tool, sums: text(`tools/${tool.folder}/go.sum`) }))),
    ...dataComponents(readDataLock()),
  ];
}

/**
 * What one stack adds: images, charts, models.
 * @throws UnknownStackError when there is no such stack; ConfigError when its file is invalid
 */
export async function stackComponents(stack: string): Promise<SoftwareComponent[]> {
  // Where things come from is known without the mirror, which only copies them.
  const config = { ...readStack(STACKS_FOLDER, stack) };
  delete config.registryMirror;
  const inventory = inventoryOf((await planStack(stack, config)).plan.graph);
  return [...imageComponents(inventory), ...chartComponents(inventory), ...modelComponents(config.models)];
}
