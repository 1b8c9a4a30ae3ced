import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";
import { planStack } from "../../plan/stack-plan.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import { configOf } from "../policy/environments.ts";

type Production = "acme-prod" | "globex-prod";

const image = `registry.example/x@sha256:${"0".repeat(64)}`;

async function retraining(stack: Production): Promise<ResourceGraph> {
  const config = configOf(stack);
  const result = parsePlatform({
    ...config,
    loops: {
      image,
      automation: {
        kind: "on",
        executorImage: image,
        retrain: {
          image,
          command: ["retrain"],
          pool: config.gpuPools[0]?.name,
          mlflowUrl: "http://mlflow.mlflow.svc:5000",
        },
        proposals: { url: "https://git.example/dispatches", token: { name: "git", key: "token" } },
      },
    },
  });
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return (await planStack(stack, result.config)).plan.graph;
}

/** Labels of the nodes each step with a GPU asks for. */
function nodesOfGpuSteps(graph: ResourceGraph): Record<string, GraphValue | undefined> {
  const steps = graph.nodes
    .filter(({ type }) => type.endsWith(":WorkflowTemplate"))
    .flatMap(({ inputs }) => {
      const templates = valueAt(inputs, "spec.templates");
      return Array.isArray(templates) ? (templates as readonly GraphValue[]) : [];
    })
    .filter(isRecord)
    .filter((step) => JSON.stringify(step).includes("nvidia.com/gpu"));
  return Object.fromEntries(
    steps.map(({ name, nodeSelector }) => [typeof name === "string" ? name : "?", nodeSelector]),
  );
}

describe("a retraining's steps with GPUs", () => {
  it.each([
    ["globex-prod", "cloud.google.com/compute-class"],
    ["acme-prod", "llmops.io/gpu-pool"],
  ] as const)("ask for their pool on %s like a model does, by %s", async (stack, label) => {
    const graph = await retraining(stack);
    const nodes = { [label]: configOf(stack).gpuPools[0]?.name };
    expect(nodesOfGpuSteps(graph)).toEqual({ train: nodes, evaluate: nodes });
    const models = [
      ...ofType(graph, "kubernetes:apps/v1:Deployment"),
      ...ofType(graph, "kubernetes:argoproj.io/v1alpha1:Rollout"),
    ].map(({ inputs }) => valueAt(inputs, "spec.template.spec.nodeSelector"));
    expect(models).toContainEqual(nodes);
  });
});
