import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { ResourceGraph } from "../../graph/graph.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Where the stack files are. */
export const STACKS = join(ROOT, "stacks");

const plans = new Map<string, ResourceGraph>();

/**
 * The offline plan of a shipped stack, made once and in its own process because mocks and engine share one runtime.
 * @throws Error with the command's messages when the plan fails
 */
export function planned(stack: string): ResourceGraph {
  const known = plans.get(stack);
  if (known !== undefined) return known;
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    ["cli/llmops.js", "plan", "-s", stack, "--json"],
    { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(stderr);
  const { graph } = JSON.parse(stdout) as { graph: ResourceGraph };
  plans.set(stack, graph);
  return graph;
}

/** Type token of a URN, without the types of its parents. */
export function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** URNs of a plan that a provider plugin is asked to create, sorted: no components, no providers, no stack. */
export function cloudUrns(graph: ResourceGraph): string[] {
  return graph.nodes
    .filter(({ type, custom }) => custom && !type.startsWith("pulumi:"))
    .map(({ urn }) => urn)
    .sort();
}
