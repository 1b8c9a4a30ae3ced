import { describe, expect, it } from "vitest";
import { readStack } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER } from "./context.ts";
import { exportOf } from "./export-kserve.ts";
import { run } from "./testing/run.ts";

interface Exported {
  readonly objects: readonly { readonly kind: string; readonly metadata: { readonly name: string } }[];
  readonly lost: readonly string[];
}

describe("llmops export kserve", () => {
  it("writes an InferenceService and a scaler for every model, and says what is lost", async () => {
    const { code, out } = await run(["export", "kserve", "-s", "acme-prod", "--json"]);
    expect(code).toBe(0);
    const { objects, lost } = JSON.parse(out) as Exported;
    expect(objects.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ["InferenceService", "claims-assistant"],
      ["ScaledObject", "claims-assistant"],
      ["InferenceService", "claims-reasoner"],
      ["ScaledObject", "claims-reasoner"],
    ]);
    expect(lost.map((note) => note.split(":")[0])).toEqual(["claims-assistant", "claims-reasoner"]);
  });

  it("leaves out a model whose replica is several pods, and says so", () => {
    const [model] = readStack(STACKS_FOLDER, "acme-prod").models;
    if (model === undefined) throw new Error("acme-prod serves nothing");
    const group = { ...model, gpu: { ...model.gpu, nodes: 2 } };
    expect(exportOf({ project: "llmops", stack: "acme-prod", nodes: [] }, group)).toBe(
      "claims-assistant is left out: a replica is 2 pods, and an InferenceService has one",
    );
  });
});
