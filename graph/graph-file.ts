import { readFileSync } from "node:fs";
import { z } from "zod";
import type { ResourceGraph } from "./graph.ts";
import { GraphFileError } from "./manifests.ts";
import type { GraphValue } from "./values.ts";

const value: z.ZodType<GraphValue> = z.json();
const graphSchema = z.strictObject({
  project: z.string(),
  stack: z.string(),
  nodes: z.array(
    z.strictObject({
      urn: z.string().min(1),
      type: z.string().min(1),
      name: z.string(),
      parent: z.string().optional(),
      custom: z.boolean(),
      inputs: z.record(z.string(), value),
      dependencies: z.array(z.string()),
      propertyDependencies: z.record(z.string(), z.array(z.string())),
      provider: z.string().optional(),
      formerUrns: z.array(z.string()).optional(),
      options: z.strictObject({
        protect: z.boolean(),
        retainOnDelete: z.union([z.boolean(), z.literal("not-visible")]),
        ignoreChanges: z.array(z.string()),
      }),
    }),
  ),
});

/**
 * Reads a graph that `llmops plan --out` wrote.
 * @throws GraphFileError when it is no graph, naming the first place that is wrong
 */
export function readGraphFile(file: string): ResourceGraph {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new GraphFileError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = graphSchema.safeParse(parsed);
  if (result.success) return result.data as ResourceGraph;
  const [issue] = result.error.issues;
  throw new GraphFileError(
    `${file}: no resource graph: ${issue === undefined ? "" : `${z.core.toDotPath(issue.path)}: ${issue.message}`}`,
  );
}
