import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { UNKNOWN, valueAt, type GraphValue } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { policyOf } from "../../plan/policy.ts";
import { deliveryControls } from "../../policies/controls/delivery.ts";
import { platformProgram } from "../../stacks/program.ts";
import { promotions } from "../../stacks/promotions.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { NOW, configOf } from "../policy/environments.ts";

const ADAPTER = "claims-tone";
const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** acme-prod with a model that is replaced pod by pod and has an adapter; each has an evaluation of what it is. */
function rollingWithAdapter(): PlatformConfig {
  const config = configOf("acme-prod");
  const [first, ...others] = config.models;
  if (first?.engine.kind !== "vllm") throw new Error("the first model of acme-prod runs on vLLM");
  const adapter = { name: ADAPTER, image: "registry.example/tone", digest: hash("a"), rank: 16 as const };
  const { preStopSeconds, drainSeconds, gracePeriodSeconds } = first.delivery;
  const undecided: PlatformConfig = {
    ...config,
    models: [
      {
        ...first,
        engine: { ...first.engine, adapters: [adapter] },
        delivery: {
          strategy: "rolling",
          preStopSeconds,
          drainSeconds,
          gracePeriodSeconds,
          surge: { kind: "in-place" },
        },
      },
      ...others,
    ],
  };
  const evaluationOf = (name: string): NonNullable<typeof first.delivery.evaluation> => {
    const evaluated = promotions(undecided).find(({ model }) => model === name)?.evaluated;
    if (evaluated === undefined) throw new Error(`nothing is served as ${name}`);
    return { ...evaluated, report: hash("7"), dataSets: hash("8"), date: "2026-11-17" };
  };
  const [changed] = undecided.models;
  if (changed === undefined) throw new Error("there is no model");
  return {
    ...undecided,
    models: [
      {
        ...changed,
        engine: { ...first.engine, adapters: [{ ...adapter, evaluation: evaluationOf(ADAPTER) }] },
        delivery: { ...changed.delivery, evaluation: evaluationOf(first.name) },
      },
      ...others,
    ],
  };
}

function plan(config: PlatformConfig): Promise<ResourceGraph> {
  return capture({ stack: "acme-prod", program: () => platformProgram(config) });
}

/** Arguments of the gates among the first containers of a pod, by served name. */
function gatesOf(inputs: Readonly<Record<string, GraphValue>>): Map<string, readonly string[]> {
  const first = valueAt(inputs, "spec.template.spec.initContainers");
  return new Map(
    ((first ?? []) as unknown as readonly { readonly name: string; readonly args?: readonly string[] }[])
      .filter(({ name }) => name.startsWith("gate-"))
      .map(({ name, args = [] }) => [name.replace("gate-", ""), args]),
  );
}

function verdict(graph: ResourceGraph, config: PlatformConfig): string[] {
  const { results } = policyOf({ graph, config, asOf: NOW, controls: deliveryControls });
  return results.map(({ control, status }) => `${control} ${status}`);
}

describe("a model that is replaced pod by pod, and its adapter", () => {
  it("start behind evaluations of their weights in the engine, and of prompts and guardrails too in the gateway", async () => {
    const config = rollingWithAdapter();
    const graph = await plan(config);
    const name = config.models[0]?.name ?? "";
    const engine = ofType(graph, "kubernetes:apps/v1:Deployment").find(
      ({ inputs }) => valueAt(inputs, "metadata.name") === name,
    );
    const inEngine = gatesOf(engine?.inputs ?? {});
    const [set] = ofType(graph, "kubernetes:apps/v1:StatefulSet").filter(
      ({ inputs }) => valueAt(inputs, "metadata.name") === "gateway",
    );
    const inGateway = gatesOf(set?.inputs ?? {});
    const served = promotions(config);
    expect([...inEngine.keys()]).toEqual([name, ADAPTER]);
    expect([...inGateway.keys()]).toEqual(served.map(({ model }) => model));
    for (const { model, evaluated } of served) {
      if (inEngine.has(model)) expect(inEngine.get(model)).toContain(`--model=${evaluated.model}`);
      expect(inGateway.get(model)).toEqual(
        expect.arrayContaining([
          `--model=${evaluated.model}`,
          `--prompt=${evaluated.prompt}`,
          `--guardrails=${evaluated.guardrails}`,
        ]),
      );
    }
    expect(verdict(graph, config)).toEqual(["AIA-TST-03 pass"]);
  });

  it("are stopped before deployment where the evaluation is about another adapter", async () => {
    const config = rollingWithAdapter();
    const [first, ...others] = config.models;
    if (first?.engine.kind !== "vllm") throw new Error("the first model of acme-prod runs on vLLM");
    const adapters = first.engine.adapters?.map((adapter) => ({ ...adapter, digest: hash("b") }));
    const trained = { ...config, models: [{ ...first, engine: { ...first.engine, adapters } }, ...others] };
    expect(verdict(await plan(trained), trained)).toEqual(["AIA-TST-03 fail"]);
  });

  it.each<[string, (gates: readonly object[]) => unknown, string]>([
    ["no gate", () => [], "fail"],
    [
      "the gate of other weights",
      (gates): unknown =>
        JSON.parse(JSON.stringify(gates).replaceAll(/--model=[^"]+/g, `--model=${hash("0")}`)),
      "fail",
    ],
    ["a gate nobody knows yet", () => UNKNOWN, "unknown"],
  ])("are stopped before deployment behind %s", async (_what, change, status) => {
    const config = rollingWithAdapter();
    const graph = await plan(config);
    const nodes = graph.nodes.map((node) => {
      const gates = gatesOf(node.inputs);
      if (node.type !== "kubernetes:apps/v1:Deployment" || !gates.has(ADAPTER)) return node;
      const inputs = structuredClone(node.inputs) as unknown as {
        spec: { template: { spec: { initContainers: unknown } } };
      };
      const pod = inputs.spec.template.spec;
      pod.initContainers = change(pod.initContainers as readonly object[]);
      return { ...node, inputs: inputs as unknown as typeof node.inputs };
    });
    expect(verdict({ ...graph, nodes }, config)).toEqual([`AIA-TST-03 ${status}`]);
  });
});
