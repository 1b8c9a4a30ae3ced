import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportToKServe } from "../../plan/targets/kserve.ts";
import { exportToLlmD } from "../../plan/targets/llm-d.ts";
import type { ModelExport } from "../../plan/targets/model-export.ts";
import { plannedModel } from "../../plan/targets/planned-model.ts";
import { planAll, SHIPPED } from "../policy/environments.ts";
import { define, startApiServer, type ApiServer } from "./cluster/api-server.ts";
import { definitionsFor } from "./cluster/custom-resources.ts";
import type { KubeObject } from "./cluster/kube-object.ts";

/** Proves that objects are what the targets' definitions say; no controller of KServe and no router of llm-d is run. */
interface Exported {
  readonly model: string;
  readonly tenant: string;
  readonly kserve: ModelExport;
  readonly llmD: ModelExport;
}

const plans = await planAll([...SHIPPED]);
const exported = [...plans].flatMap(([stack, { config, planned }]) =>
  config.models.map((model): Exported => {
    const one = plannedModel(planned.plan.graph, config, model);
    if (one === undefined) throw new Error(`${stack} ${model.name} is several pods`);
    const targets = { kserve: exportToKServe(one), llmD: exportToLlmD(one) };
    return { model: model.name, tenant: model.tenant, ...targets };
  }),
);

interface RouterValues {
  readonly router: {
    readonly modelServers: {
      readonly targetPorts: readonly { readonly number: number }[];
      readonly matchLabels: Readonly<Record<string, string>>;
    };
    readonly inferencePool: { readonly failureMode: string };
  };
}

/** Objects of an export that Kubernetes gets; values of a chart have no kind. */
function objectsOf({ files }: ModelExport): KubeObject[] {
  return files.flatMap(({ documents }) => documents as KubeObject[]).filter((document) => "kind" in document);
}

/** The InferencePool as the router's chart writes it from the exported values. */
function poolOf({ model, tenant, llmD }: Exported): KubeObject {
  const [values] = llmD.files.flatMap(({ documents }) => documents.filter((each) => "router" in each));
  const { modelServers, inferencePool } = (values as RouterValues).router;
  const { targetPorts, matchLabels } = modelServers;
  return {
    apiVersion: "inference.networking.k8s.io/v1",
    kind: "InferencePool",
    metadata: { name: model, namespace: tenant },
    spec: {
      targetPorts,
      appProtocol: "http",
      selector: { matchLabels },
      endpointPickerRef: {
        name: `${model}-epp`,
        port: { number: 9002 },
        failureMode: inferencePool.failureMode,
      },
    },
  };
}

describe("what is exported, on a real API server", () => {
  let api: ApiServer;

  beforeAll(async () => {
    api = await startApiServer();
    await define(api, definitionsFor(objects));
    for (const name of new Set(["llm-gateway", ...exported.map(({ tenant }) => tenant)]))
      await api.mustApply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  });

  afterAll(async () => {
    await api.close();
  });

  const objects = exported.flatMap((each) => [
    ...objectsOf(each.kserve),
    ...objectsOf(each.llmD),
    poolOf(each),
  ]);

  it("is accepted with strict fields, every object of every shipped model", async () => {
    const refused: string[] = [];
    for (const object of objects) {
      const { status, body } = await api.apply(object, "dry-run");
      if (status >= 300) refused.push(`${object.kind} ${object.metadata.name}: ${body.message ?? status}`);
    }
    expect(refused).toEqual([]);
    expect(new Set(objects.map(({ kind }) => kind))).toEqual(
      new Set([
        "InferenceService",
        "ScaledObject",
        "Deployment",
        "Service",
        "NetworkPolicy",
        "InferencePool",
      ]),
    );
  });

  it.each([
    ["InferenceService", { predictor: { invented: 1, containers: [] } }, "predictor.invented"],
    ["InferenceService", { predictor: { containers: "none" } }, "predictor.containers"],
    ["InferencePool", { targetPorts: [], selector: { matchLabels: { a: "b" } } }, "spec.targetPorts"],
    [
      "InferencePool",
      {
        targetPorts: [{ number: 8000 }],
        selector: { matchLabels: { a: "b" } },
        endpointPickerRef: { name: "e" },
      },
      "port is required",
    ],
    ["NetworkPolicy", { podSelector: {}, egres: [] }, "spec.egres"],
  ])("is refused with a wrong field: %s %j", async (kind, spec, complaint) => {
    const object = objects.find((each) => each.kind === kind);
    if (object === undefined) throw new Error(`no ${kind}`);
    const { status, body } = await api.apply({ ...object, spec }, "dry-run");
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body.message).toContain(complaint);
  });
});
