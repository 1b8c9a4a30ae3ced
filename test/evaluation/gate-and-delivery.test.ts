import { beforeAll, describe, expect, it } from "vitest";
import { readDataSets } from "../../evals/data-sets.ts";
import { evaluatedSchema } from "../../evals/report.ts";
import { ofType } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { platformProgram } from "../../stacks/program.ts";
import { promotions } from "../../stacks/promotions.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { configOf } from "../policy/environments.ts";

/** Arguments of the gate's Job in each AnalysisTemplate, by the name of the model. */
async function gates(config: PlatformConfig): Promise<Map<string, Map<string, string>>> {
  const graph = await capture({ stack: "acme-prod", program: () => platformProgram(config) });
  const found = new Map<string, Map<string, string>>();
  for (const { inputs } of ofType(graph, "kubernetes:argoproj.io/v1alpha1:AnalysisTemplate")) {
    const metrics = valueAt(inputs, "spec.metrics");
    for (const metric of Array.isArray(metrics) ? (metrics as readonly GraphValue[]) : []) {
      if (!isRecord(metric) || metric["name"] !== "signed-evaluation") continue;
      const pod = valueAt(metric, "provider.job.spec.template.spec");
      const args = valueAt(pod ?? null, "containers.0.args");
      const volume = valueAt(pod ?? null, "volumes.0.configMap.name");
      const flags = (Array.isArray(args) ? (args as readonly GraphValue[]) : []).flatMap((arg) => {
        const [, flag = "", value = ""] = /^--([a-z-]+)=(.*)$/.exec(typeof arg === "string" ? arg : "") ?? [];
        return flag === "" ? [] : [[flag, value] as const];
      });
      found.set((volume as string).replace("-evaluation", ""), new Map(flags));
    }
  }
  return found;
}

describe("what `llmops eval gate` expects and what the gate in the cluster expects", () => {
  const config = configOf("acme-prod");
  let shipped: Map<string, Map<string, string>>;

  beforeAll(async () => {
    shipped = await gates(config);
  });

  it("are the same hashes of model, prompt and guardrails, for every model that is delivered in steps", () => {
    const expected = promotions(config);
    expect([...shipped.keys()].sort()).toEqual(expected.map(({ model }) => model).sort());
    for (const { model, evaluated } of expected) {
      const flags = shipped.get(model);
      const asked = {
        model: flags?.get("model"),
        prompt: flags?.get("prompt"),
        guardrails: flags?.get("guardrails"),
      };
      expect(asked).toEqual(evaluated);
    }
  });

  it("have the form that a report has, and data sets as the stack file names them", () => {
    const { digest } = readDataSets(undefined, config.evaluation.dataSets);
    for (const [model, flags] of shipped) {
      const reference = config.models.find(({ name }) => name === model)?.delivery;
      const named = reference?.strategy === "rolling" ? undefined : reference?.evaluation?.dataSets;
      expect(flags.get("data-sets")).toBe(named);
      expect(
        evaluatedSchema.safeParse({
          model: flags.get("model"),
          prompt: flags.get("prompt"),
          guardrails: flags.get("guardrails"),
          dataSets: digest,
        }).success,
      ).toBe(true);
    }
  });

  it("move together when a guardrail, a prompt or the weights change", async () => {
    const [first, ...others] = config.models;
    if (first?.source.kind !== "hub") throw new Error("the first model of acme-prod is from a hub");
    const changed: PlatformConfig = {
      ...config,
      guardrails: { ...config.guardrails, pii: "block" },
      models: [
        {
          ...first,
          source: { ...first.source, revision: "f".repeat(40) },
          prompts: {
            sticky: "subject",
            variants: [
              { prompt: "claims-assistant", version: "1", weight: 1, variables: { client: "ACME" } },
            ],
          },
        },
        ...others,
      ],
    };
    const [before] = promotions(config);
    const [after] = promotions(changed);
    for (const key of ["model", "prompt", "guardrails"] as const)
      expect([key, after?.evaluated[key] === before?.evaluated[key]]).toEqual([key, false]);
    const flags = (await gates(changed)).get(first.name);
    expect([flags?.get("model"), flags?.get("prompt"), flags?.get("guardrails")]).toEqual([
      after?.evaluated.model,
      after?.evaluated.prompt,
      after?.evaluated.guardrails,
    ]);
  });
});
