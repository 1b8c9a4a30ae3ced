import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StackPlan } from "./stack-plan.ts";

/** Writes a plan to a folder: manifests, graph, diagram and cost. Manifests of an earlier plan are removed. */
export function writePlan(folder: string, { plan, cost }: StackPlan): void {
  const manifests = join(folder, "manifests");
  rmSync(manifests, { recursive: true, force: true });
  mkdirSync(manifests, { recursive: true });
  for (const { fileName, yaml } of plan.manifests) writeFileSync(join(manifests, fileName), yaml);
  writeFileSync(join(folder, "graph.json"), `${JSON.stringify(plan.graph, null, 2)}\n`);
  writeFileSync(join(folder, "architecture.mmd"), plan.diagram);
  writeFileSync(join(folder, "cost.json"), `${JSON.stringify(cost ?? null, null, 2)}\n`);
}
