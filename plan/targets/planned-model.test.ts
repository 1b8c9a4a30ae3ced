import { describe, expect, it } from "vitest";
import type { ResourceGraph } from "../../graph/graph.ts";
import { SECRET, UNKNOWN, type GraphValue } from "../../graph/values.ts";
import { DEPLOYMENT, plannedFixture } from "../testing/planned-model.ts";
import { ModelExportError, plannedModel } from "./planned-model.ts";

const { config, pool, scaler } = plannedFixture();

function graphWith(...objects: readonly (readonly [type: string, inputs: unknown])[]): ResourceGraph {
  return {
    project: "llmops",
    stack: "s",
    nodes: objects.map(([type, inputs], index) => ({
      urn: `urn:${index}`,
      type,
      name: `n${index}`,
      custom: true,
      inputs: inputs as Readonly<Record<string, GraphValue>>,
      dependencies: [],
      propertyDependencies: {},
      options: { protect: false, retainOnDelete: false, ignoreChanges: [] },
    })),
  };
}

const SCALER = ["kubernetes:keda.sh/v1alpha1:ScaledObject", scaler] as const;
const DEPLOYMENT_TYPE = "kubernetes:apps/v1:Deployment";
const stack = { gpuPools: [pool] };

describe("plannedModel", () => {
  it("is what the plan has of a model", () => {
    expect(plannedModel(graphWith([DEPLOYMENT_TYPE, DEPLOYMENT], SCALER), stack, config)).toEqual({
      config,
      pool,
      deployment: DEPLOYMENT,
      scaler,
      evaluations: [],
    });
  });

  it("has the signed reports its pods read, and names those they would wait for", () => {
    const { spec } = DEPLOYMENT;
    const pod = spec.template.spec;
    const volumes = ["there", "missing"].map((name) => ({ name, configMap: { name } }));
    const gated = {
      ...DEPLOYMENT,
      spec: { ...spec, template: { ...spec.template, spec: { ...pod, volumes } } },
    };
    const map = { metadata: { name: "there", namespace: "claims" }, data: { "report.json": "{}" } };
    const graph = graphWith([DEPLOYMENT_TYPE, gated], SCALER, ["kubernetes:core/v1:ConfigMap", map]);
    expect(plannedModel(graph, stack, config)?.evaluations).toEqual([
      { kind: "signed", map },
      { kind: "missing", name: "missing" },
    ]);
  });

  it.each([
    [UNKNOWN, "known after deployment only"],
    [SECRET, "a secret"],
  ])("refuses what nobody can write down", (value, why) => {
    const env = { name: "TOKEN", value };
    const spec = { template: { spec: { containers: [{ name: "engine", env: [env] }] } } };
    const graph = graphWith([DEPLOYMENT_TYPE, { metadata: DEPLOYMENT.metadata, spec }], SCALER);
    expect(() => plannedModel(graph, stack, config)).toThrow(
      new ModelExportError(
        `Deployment mistral: spec.template.spec.containers[0].env[0].value is ${why}; it cannot be exported`,
      ),
    );
  });

  it.each([
    ["the plan lacks", graphWith(SCALER), stack, "the plan has no Deployment mistral in claims"],
    [
      "runs on no pool",
      graphWith([DEPLOYMENT_TYPE, DEPLOYMENT], SCALER),
      { gpuPools: [] },
      `models[mistral].gpu.pool: there is no pool '${pool.name}'`,
    ],
  ])("refuses a model that %s", (_what, graph, config_, message) => {
    expect(() => plannedModel(graph, config_, config)).toThrow(new ModelExportError(message));
  });

  it("has nothing to say about a replica of several pods", () => {
    const group = { ...config, gpu: { ...config.gpu, nodes: 2 } };
    expect(plannedModel(graphWith(), stack, group)).toBeUndefined();
  });
});
