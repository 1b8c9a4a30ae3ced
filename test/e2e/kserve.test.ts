import { describe, expect, it } from "vitest";
import { exportOf } from "../../cli/export-kserve.ts";
import { planAll, SHIPPED } from "../policy/environments.ts";
import { definitionsOf, KSERVE_DEFINITIONS } from "./cluster/custom-resources.ts";
import { strangers, type FieldSchema } from "./cluster/definition-fields.ts";

/** Proves that KServe's own definition knows every field of the exported services; no controller of KServe is run. */
const [definition] = definitionsOf(KSERVE_DEFINITIONS);
const versions = (
  definition?.["spec"] as { versions: readonly { name: string; schema: object }[] } | undefined
)?.versions;
const schema = (
  versions?.find(({ name }) => name === "v1beta1")?.schema as { openAPIV3Schema: FieldSchema } | undefined
)?.openAPIV3Schema;

describe("services exported for KServe", async () => {
  const plans = await planAll([...SHIPPED]);
  const services = [...plans].flatMap(([stack, { config, planned }]) =>
    config.models.map((model) => {
      const exported = exportOf(planned.plan.graph, model);
      if (typeof exported === "string") throw new Error(exported);
      return [`${stack} ${model.name}`, exported.inferenceService] as const;
    }),
  );

  it.each(services)("%s has only fields of KServe's definition", (_name, service) => {
    const { apiVersion, kind, metadata, ...rest } = service as Record<string, unknown>;
    expect([apiVersion, kind]).toEqual(["serving.kserve.io/v1beta1", "InferenceService"]);
    expect(metadata).toBeTypeOf("object");
    expect(strangers(rest, schema ?? { properties: {} }, "service")).toEqual([]);
  });

  it("finds a field and a type that the definition does not have", () => {
    const wrong = { spec: { predictor: { invented: 1, containers: "none" } } };
    expect(strangers(wrong, schema ?? {}, "service")).toEqual([
      "service.spec.predictor.invented does not exist",
      "service.spec.predictor.containers: string, not array",
    ]);
  });
});
